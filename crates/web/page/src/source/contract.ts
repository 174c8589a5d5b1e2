// What the page and the server that serves it have agreed on.

import type { TraceRecord } from '../trace/record'
import type { Action as ServerAction } from '../types/Action'
import type { ClientWish } from '../types/ClientWish'
import type { Setup } from '../types/Setup'
import type { Snapshot } from '../types/Snapshot'

export type { Caption } from '../types/Caption'
export type { ScenarioTitle } from '../types/ScenarioTitle'
export type { Setup } from '../types/Setup'

/** What a person can do to the cluster. */
export type Action = ServerAction | ClientWish

/** All of a replay: what an exported page has in it. */
export type Embedded = { setup: Setup; records: TraceRecord[] }

/** Records that follow each other, and what all before them add up to. */
export type Stretch = { snapshot: Snapshot; records: TraceRecord[] }
