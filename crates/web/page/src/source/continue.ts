// A scenario as the beginning of a run of one's own.

import type { Scene } from '../types/Scene'

/** The part of a script that had begun after this number of records, and how many of those are of its last cluster. */
export function scriptUpTo(scenes: readonly Scene[], position: number): { script: string; at: number } {
  const first = scenes.findIndex(isCluster)
  const begun = scenes.filter(({ command, before }, place) => command !== null && (before <= position || place <= first))
  const cluster = begun.findLast(isCluster)
  const lines = begun.map(({ command, is_silent }) => (is_silent ? `(${command})` : command))
  return { script: lines.map((line) => `${line}\n`).join('') + '---\n', at: Math.max(0, position - ((cluster?.before ?? 1) - 1)) }
}

function isCluster({ command }: Scene): boolean {
  return command !== null && /^cluster\b/.test(command)
}
