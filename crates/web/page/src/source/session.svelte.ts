import { Player } from '../time/player.svelte'
import { ServersTime } from '../time/servers-time'
import { History, type Entry } from '../trace/history'
import type { NodeId, TraceRecord } from '../trace/record'
import type { ClusterView } from '../trace/view'
import { seconds } from '../trace/words'
import type { Action, Caption, RuleTold, Setup } from './contract'

/** How the records come: all at once from a file, or from a cluster that may be gone. */
export type Connection = 'file' | 'loading' | 'connected' | 'broken'

/** Something that the reader is to know now. */
export type Notice = { readonly text: string; readonly help?: string; readonly isBad: boolean }

/** How long a step is shown of a trace that tells no time, in microseconds. */
export const STEP_US = 700_000

/** One cluster on show: what is known of it, which moment is shown, and what can be done to it. */
export class Session {
  readonly history: History
  readonly player: Player
  readonly serversTime: ServersTime
  /** Does the trace tell an order only, and no time? */
  isTimeless = false
  readonly rules: ReadonlyMap<string, RuleTold>
  connection = $state<Connection>('loading')
  notice = $state.raw<Notice | null>(null)
  /** The server whose card is open. */
  selected = $state<NodeId | null>(null)
  /** The event that is asked about. */
  asked = $state.raw<Entry | null>(null)
  showsRoutine = $state(false)
  /** The speed that was asked for, until the cluster has it. */
  wishedSpeed = $state<number | null>(null)

  constructor(
    readonly setup: Setup,
    private perform: ((action: Action) => Promise<string>) | null,
  ) {
    this.history = new History(setup.servers)
    this.serversTime = new ServersTime(setup.speed)
    this.player = new Player(this.history, this.serversTime)
    this.rules = new Map(setup.rules.map((rule) => [rule.id as string, rule]))
  }

  /** Can anything be done to the cluster? */
  get hasHands(): boolean {
    return this.perform !== null && this.connection === 'connected'
  }

  get captions(): readonly Caption[] {
    return this.setup.captions
  }

  add(record: TraceRecord): void {
    this.history.add(record)
    if (record.event === 'speed') {
      this.serversTime.change(record.t, record.millionths / 1e6)
      if (this.wishedSpeed === record.millionths / 1e6) this.wishedSpeed = null
    }
  }

  /** Goes on from what the server says that the cluster is, after records that are gone. */
  resume(cluster: ClusterView): void {
    this.history.resume(cluster)
  }

  /** Does something to the cluster, and says what came of it. */
  async act(action: Action): Promise<string | null> {
    if (!this.perform) return null
    try {
      const done = await this.perform(action)
      this.notice = { text: done, isBad: false }
      return done
    } catch (failure) {
      const { message, help } = failure as Error & { help?: string }
      this.notice = { text: message, help, isBad: true }
      this.wishedSpeed = null
      return null
    }
  }

  /** A time in words; or the step, where no time is told. */
  when(t: number): string {
    return this.isTimeless ? `step ${Math.ceil(t / STEP_US)}` : seconds(t)
  }

  /** Opens an event: shows its moment, its rule and its causes. */
  ask(entry: Entry): void {
    this.player.showEntry(entry)
    this.asked = entry
  }

  /** Is an event part of the story as it is told now? */
  isTold = (entry: Entry): boolean => this.showsRoutine || !entry.isRoutine
}
