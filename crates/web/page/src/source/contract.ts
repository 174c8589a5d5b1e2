// What the page and the server that serves it have agreed on.

import type { TraceRecord } from '../trace/record'
import type { Action as ServerAction } from '../types/Action'
import type { ClientWish } from '../types/ClientWish'
import type { Setup } from '../types/Setup'
import type { Snapshot } from '../types/Snapshot'

export type { Caption } from '../types/Caption'
export type { RuleTold } from '../types/RuleTold'
export type { Setup } from '../types/Setup'

/** What a person can do to the cluster. */
export type Action = ServerAction | ClientWish

/** What an exported page has in it. */
export type Embedded = { setup: Setup; snapshot: Snapshot | null; records: TraceRecord[] }
