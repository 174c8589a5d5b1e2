// The types that the page and its server share.

import type { NodeId, TraceRecord } from '../trace/record'
import type { Action as ServerAction } from '../types/Action'
import type { ClientWish } from '../types/ClientWish'
import type { Headline } from '../types/Headline'
import type { Setting } from '../types/Setting'
import type { Setup } from '../types/Setup'
import type { Snapshot } from '../types/Snapshot'
import type { Unsynced } from '../types/Unsynced'
import type { WhyNotTold } from '../types/WhyNotTold'
import type { Session } from './session.svelte'

export type { Setup } from '../types/Setup'

/** What a person can do to the cluster. */
export type Action = ServerAction | ClientWish | Setting | LabAction

/** What can be done to a simulated cluster only. */
export type LabAction =
  | { readonly action: 'power_cut'; readonly node: NodeId; readonly unsynced: Unsynced }
  | { readonly action: 'lose_disk' | 'fill_disk' | 'mend_disk' | 'promote'; readonly node: NodeId }
  | { readonly action: 'set_clock'; readonly node: NodeId; readonly multiple: number }
  | { readonly action: 'swap'; readonly key: string; readonly old: string; readonly value: string }
  | { readonly action: 'rule'; readonly rule: string; readonly is_off: boolean }
  /** Something is done to the messages in flight that a command names like this. */
  | { readonly action: 'message'; readonly what: MessageDeed; readonly select: string }

export type MessageDeed = 'lose' | 'delay' | 'duplicate' | 'hold' | 'deliver'

/** A scenario that the server can play. */
export type Scenario = {
  /** Its file without the ending, such as `elections/first-election`. */
  readonly path: string
  readonly title: string
  readonly chapter?: { readonly number: number; readonly name: string }
  /** The ids of the rules that it is about. */
  readonly rules?: readonly string[]
  /** What it says to its reader. */
  readonly prose?: string
}

/** Where the scenarios are: at a server, or in the engine. */
export type Library = {
  readonly list: () => Promise<readonly Scenario[]>
  readonly play: (path: string) => Promise<Session>
}

/** What a server may not have done. */
export type Omission = 'leader' | 'vote' | 'commit' | 'reply'

/** Asks why a server has not done something before this position. */
export type WhyNot = (server: NodeId, what: Omission, position: number) => Promise<WhyNotTold>

/** A complete replay, as an exported page contains it. A file that was opened here has no headlines: the program makes them. */
export type Embedded = { setup: Setup; records: TraceRecord[]; headlines?: Headline[] }

/** Records of the story with their numbers, which have gaps, and the cluster's state before them. */
export type Part = { snapshot: Snapshot; numbers: number[]; records: TraceRecord[] }

/** Consecutive records, and the cluster's state before them. */
export type Stretch = { snapshot: Snapshot; records: TraceRecord[] }
