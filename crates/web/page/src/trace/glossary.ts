// The words of Raft, explained: docs/glossary.md, generated from the Rust code (crates/trace/src/glossary.rs).

import type { DefinitionTold } from '../types/DefinitionTold'
import told from '../types/glossary.json'

const GLOSSARY = told as DefinitionTold[]

const BY_WORD: ReadonlyMap<string, DefinitionTold> = new Map(
  GLOSSARY.flatMap((definition) => definition.words.flatMap((word) => [word, plural(word)].map((form) => [form.toLowerCase(), definition] as const))),
)

/** Any of the words, the longest first. Ids of rules, such as `one-vote-per-term`, are one word each. */
const WORD = new RegExp(
  `(?<![\\p{L}\\p{N}_-])(?:${[...BY_WORD.keys()].sort((one, other) => other.length - one.length).join('|')})(?![\\p{L}\\p{N}_-])`,
  'giu',
)

function plural(word: string): string {
  return word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`
}

/** What a word means; null if it is none of these. */
export function meaningOf(word: string): string | null {
  return BY_WORD.get(word.toLowerCase())?.meaning ?? null
}

/** A part of a text: a word with its definition and the punctuation right after it, or what is between two of them. */
export type Part = { readonly text: string; readonly definition: DefinitionTold | null; readonly after: string }

/** A text in parts. What is explained once in it is not explained again. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = []
  const explained = new Set<DefinitionTold>()
  let end = 0
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const definition = BY_WORD.get(word.toLowerCase())!
    if (explained.has(definition)) continue
    explained.add(definition)
    if (index > end) parts.push({ text: text.slice(end, index), definition: null, after: '' })
    end = index + word.length
    const after = /^\p{P}*/u.exec(text.slice(end))![0]
    parts.push({ text: word, definition, after })
    end += after.length
  }
  if (end < text.length) parts.push({ text: text.slice(end), definition: null, after: '' })
  return parts
}
