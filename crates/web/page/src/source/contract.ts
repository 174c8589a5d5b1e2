// What the page and the server that serves it have agreed on.

import type { TraceRecord } from '../trace/record'
import type { Action as ServerAction } from '../types/Action'
import type { ClientWish } from '../types/ClientWish'
import type { Setup } from '../types/Setup'
import type { Snapshot } from '../types/Snapshot'

export type { Caption } from '../types/Caption'
export type { Setup } from '../types/Setup'

/** What a person can do to the cluster. */
export type Action = ServerAction | ClientWish

/** A scenario that the server can play. */
export type Scenario = {
  /** Its file without the ending, such as `elections/first-election`. */
  readonly path: string
  readonly title: string
  readonly chapter?: { readonly number: number; readonly name: string }
  /** The ids of the rules that it is about. */
  readonly rules?: readonly string[]
}

/** All of a replay: what an exported page has in it. */
export type Embedded = { setup: Setup; records: TraceRecord[] }

/** Records that follow each other, and what all before them add up to. */
export type Stretch = { snapshot: Snapshot; records: TraceRecord[] }
