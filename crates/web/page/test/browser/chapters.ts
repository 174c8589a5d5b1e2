// The chapters as course/ has them: what is right, and how tasks are done.

import { readFileSync } from 'node:fs'

export type CardText = { id: string; kind: string; right: string[]; items: string[]; solution: string[] }

export function cardsOf(file: string): CardText[] {
  const text = readFileSync(new URL(`../../../../../course/${file}`, import.meta.url), 'utf8')
  return text.split('\n## ').slice(1).map((section) => {
    const lines = section.split('\n')
    const after = (key: string) => lines.flatMap((line) => (line.startsWith(`${key}: `) ? [line.slice(key.length + 2)] : []))
    const solution = lines.slice(lines.indexOf('solution:') + 1)
    return {
      id: lines[0]!,
      kind: /^ask (\w+):/m.exec(section)?.[1] ?? 'task',
      right: after('right'),
      items: after('item'),
      solution: lines.includes('solution:') ? solution.filter((line) => line.startsWith('    ')).map((line) => line.trim()) : [],
    }
  })
}
