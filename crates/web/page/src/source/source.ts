// What a session needs to know of where its records come from.

import type { Present } from '../time/present'
import type { Action, Part, Stretch } from './contract'

/** Where records come from, and what can be asked there: a cluster of processes, or an engine in this page. */
export interface Source {
  /** How far the cluster has come. */
  readonly present: Present
  /** Does something to the cluster, and says what was done. */
  act(action: Action): Promise<string>
  /** The story before this position, without its routine. */
  story(upTo: number): Promise<Part[]>
  /** A stretch of records that ends at this position. */
  earlier(upTo: number): Promise<Stretch | null>
  /** Lets the next thing happen, and nothing else. Null where time does not wait for the reader. */
  readonly step: (() => Promise<void>) | null
}
