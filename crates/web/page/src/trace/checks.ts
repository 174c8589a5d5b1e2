// What a check of a task asks for, as a sentence. course/README.md lists the checks. Commands are in backticks.

const FORMS: readonly (readonly [string, (rest: string) => string])[] = [
  ['expect ', (rest) => `At the end, \`expect ${rest}\` holds`],
  ['with the rule: ', (rest) => `With the rule on, the same commands have another end: ${words(rest)}`],
  ['violated: ', (rest) => `A promise is broken: ${rest}`],
  ['only: ', (rest) => `Only these commands are used: ${rest}`],
  ['uses: ', (rest) => `\`${rest}\` is used`],
  ['option: ', (rest) => `A cluster is started with \`${rest}\``],
  ['never: ', (rest) => `It never happens that ${rest}`],
]
const WHOLE: Readonly<Record<string, string>> = { violated: 'A promise is broken', 'nothing is violated': 'No promise is broken' }

export function checkWords(check: string): string {
  const whole = WHOLE[check]
  if (whole) return whole
  const form = FORMS.find(([begin]) => check.startsWith(begin))
  if (form) return form[1](check.slice(form[0].length))
  const sentence = check.replaceAll(/\b(for \w+ )?never: (.*?)(?=, then|$)/g, (_, duration, what) => `${duration ?? ''}it does not happen that ${what}`)
  // The names of servers and clients are never capitalised.
  return /^[nc]\d/.test(sentence) ? sentence : sentence[0]!.toUpperCase() + sentence.slice(1)
}

/** Inside a sentence. */
function words(check: string): string {
  const sentence = checkWords(check)
  return sentence[0]!.toLowerCase() + sentence.slice(1)
}
