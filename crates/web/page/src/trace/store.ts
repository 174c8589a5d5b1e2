// What the records say about a server's store. `crates/trace/src/view/store.rs` adds them up in the same way.

import type { StoreContent } from '../types/StoreContent'
import type { StoreView } from '../types/StoreView'

export type { StoreView } from '../types/StoreView'

/** Maximum number of keys that are remembered of a store: the first ones. */
const REMEMBERED = 200

/** The store after it was recorded what it holds, or what it holds under some keys. */
export function noteContent(store: StoreView | null, { is_whole, keys, held }: StoreContent): StoreView {
  const known = new Map(is_whole ? [] : Object.entries(store?.held ?? {}))
  for (const [key, value] of held) {
    if (value === null) known.delete(key)
    else known.set(key, value)
  }
  return { keys, held: Object.fromEntries(inOrder([...known]).slice(0, REMEMBERED)) }
}

/** The keys that are known, in order, and their values. */
export function knownOf(store: StoreView): [string, string][] {
  return inOrder(Object.entries(store.held))
}

/** What a key needs besides its words, and what `+4 more` needs, in characters. */
const [CHIP, MORE] = [2, 8]

/** As many keys with their values as there is room for, in characters, and how many others there are. */
export function shownOf(store: StoreView, room: number): { shown: string[]; others: number } {
  const all = knownOf(store).map(([key, value]) => `${key} = ${value}`)
  let left = all.length === store.keys ? room : room - MORE
  const fits = (words: string) => {
    const isFitting = words.length + CHIP <= left
    if (isFitting) left -= words.length + CHIP
    return isFitting
  }
  const fitting = all.filter(fits)
  const shown = fitting.length > 0 ? fitting : all.slice(0, 1)
  return { shown, others: store.keys - shown.length }
}

function inOrder(held: [string, string][]): [string, string][] {
  return held.sort(([one], [other]) => (one < other ? -1 : 1))
}
