// Is there a run that leads to these logs, and is an entry of them committed? An engine of its own looks for the answer.

import type { Index, Term } from '../trace/record'
import { idsOf, partOf, type ClusterView } from '../trace/view'
import type { ClaimExamined } from '../types/ClaimExamined'
import type { LogsOrigin } from '../types/LogsOrigin'
import { EngineBroken, type Engine } from './engine'

/** As many servers as can be asked about. */
export const MOST_SERVERS = 9

/** As many entries as a log can have then. */
const MOST_ENTRIES = 30

/** How many moments are looked at before progress is shown. */
const SLICE = 500

/** What the search has found. */
export type Answer = Exclude<LogsOrigin, { is: 'open' }>

/** An entry of which it is claimed that it is committed. */
export type Claimed = { readonly index: Index; readonly term: Term }

/** The logs of which Raft's paper tells, and some that can't be. */
export const EXAMPLES: readonly { name: string; logs: readonly string[] }[] = [
  { name: 'Figure 7', logs: ['1 1 1 4 4 5 5 6 6 6', '1 1 1 4 4 5 5 6 6', '1 1 1 4', '1 1 1 4 4 5 5 6 6 6 6', '1 1 1 4 4 5 5 6 6 6 7 7', '1 1 1 4 4 4 4', '1 1 1 2 2 2 3 3 3 3 3'] },
  { name: 'Figure 8 (c)', logs: ['1 2 4', '1 2', '1 2', '1', '1 3'] },
  { name: 'Figure 8 (e)', logs: ['1 2 4', '1 2 4', '1 2 4', '1', '1 3'] },
  { name: 'impossible: no votes', logs: ['1 1', '1 1', '2'] },
  { name: 'impossible: no match', logs: ['1 1 3', '1 2 3', '1'] },
]

/** The fragment that asks about these logs. */
export function linkToLogs(logs: readonly string[], others = 0): string {
  const servers = others > 0 ? `&servers=${logs.length + others}` : ''
  return `#logs=${logs.map((log) => wordsOf(log).join('.')).join(',')}${servers}`
}

/** The fragment that asks about the logs of a cluster, if that is possible: of voters n1, n2, and so on, from entry 1 on. */
export function linkToLogsOf(cluster: ClusterView): string {
  const voters = idsOf(cluster).filter((id) => partOf(cluster, id) === 'voter')
  const logs = voters.map((id) => cluster.servers[id]!.log)
  const canBeAsked = voters.length <= MOST_SERVERS && voters.every((id, place) => id === place + 1) && logs.every(({ begins_after, entries }) => begins_after.index === 0 && entries.length <= MOST_ENTRIES)
  const hasEntries = logs.some(({ entries }) => entries.length > 0)
  return canBeAsked && hasEntries ? linkToLogs(logs.map(({ entries }) => entries.map(({ term }) => term).join(' '))) : '#logs'
}

/** The terms that a log is written with; null if something else is written, or too many are. */
function termsIn(log: string): Term[] | null {
  const words = wordsOf(log)
  return words.length <= MOST_ENTRIES && words.every((word) => /^\d+$/.test(word)) ? words.map(Number) : null
}

/** A phone's keys for numbers have a point or a comma, and no space. */
function wordsOf(log: string): string[] {
  return log.split(/[\s.,]+/).filter(Boolean)
}

/** A log as the engine reads it. */
function inWords(log: string): string {
  return wordsOf(log).join(' ')
}

export class Origin {
  /** The logs as they are written: of n1, n2, and so on. */
  logs = $state.raw<readonly string[]>([])
  /** How many servers there are beside these, with any log. */
  others = $state(0)
  /** What is wrong with each log. */
  wrong = $state.raw<readonly (string | null)[]>([])
  /** What is wrong apart from that. */
  problem = $state<{ text: string; help?: string } | null>(null)
  answer = $state.raw<Answer | null>(null)
  claimed = $state.raw<Claimed | null>(null)
  examined = $state.raw<ClaimExamined | null>(null)
  /** What is being looked for: a run that leads to the logs, or one that refutes a claim. */
  busy = $state<'run' | 'claim' | null>(null)
  /** What its reader has stopped looking for. */
  stopped = $state<'run' | 'claim' | null>(null)
  /** How many moments the search for a run has looked at. */
  looked = $state(0)
  /** The number of searches that were stopped: what comes of them is too late. */
  private job = 0

  /** The question of a link: its logs, and its number of servers. */
  constructor(
    private readonly engine: Engine,
    logs: string,
    servers: string | null = null,
  ) {
    const all = logs ? logs.split(',') : EXAMPLES[1]!.logs
    this.logs = all.slice(0, MOST_SERVERS).map(inWords)
    const count = this.logs.length
    const wanted = servers === null ? count : /^\d+$/.test(servers) ? Number(servers) : NaN
    if (all.length > count) this.problem = { text: `the link has ${all.length} logs, and at most ${MOST_SERVERS} can be asked about`, help: 'these are the first of them' }
    else if (wanted >= count && wanted <= MOST_SERVERS) this.others = wanted - count
    else this.problem = { text: `the link is about “${servers}” servers, and with its logs there can be ${count} to ${MOST_SERVERS}`, help: 'say below how many more there are' }
  }

  /** How many more servers there can be. */
  get room(): number {
    return Math.max(0, MOST_SERVERS - this.logs.length)
  }

  /** The terms of each log; null for one that can't be asked about. */
  get terms(): readonly (Term[] | null)[] {
    return this.logs.map(termsIn)
  }

  get link(): string {
    return linkToLogs(this.logs, this.others)
  }

  /** Can an entry be claimed to be committed? That takes the log of every server. */
  get canClaim(): boolean {
    return this.others === 0
  }

  write(place: number, log: string): void {
    this.change(this.logs.with(place, log))
  }

  /** One more server, with an empty log. */
  add(): void {
    this.change([...this.logs, ''])
    this.others = Math.min(this.others, this.room)
  }

  remove(place: number): void {
    this.change(this.logs.toSpliced(place, 1))
  }

  askOf(others: number): void {
    this.change(this.logs)
    this.others = others
  }

  /** Adds an entry of this term to the end of a log. */
  append(place: number, term: Term): void {
    this.write(place, [...wordsOf(this.logs[place]!), term].join(' '))
  }

  /** Removes the last entry of a log. */
  shorten(place: number): void {
    this.write(place, wordsOf(this.logs[place]!).slice(0, -1).join(' '))
  }

  /** What was found is about other logs then. */
  private change(logs: readonly string[]): void {
    this.stop()
    this.logs = logs
    this.answer = this.claimed = this.examined = this.problem = null
    this.wrong = []
    this.stopped = null
  }

  /** Looks what is wrong with each log alone. Is nothing? */
  async check(): Promise<boolean> {
    const { logs } = this
    // All at once, so that no search begins in between.
    const asks = logs.map((log) => this.engine.ask('origin', { logs: [inWords(log)], moments: 0 }))
    const wrong = await Promise.all(asks.map((ask) => ask.then(() => null, ({ message }: Error) => message)))
    if (logs === this.logs) this.wrong = wrong
    return wrong.every((words) => words === null)
  }

  /** Searches for a run that leads to the logs. */
  find(): Promise<void> {
    this.answer = null
    this.looked = 0
    return this.work('run', async (logs) => {
      const servers = this.others > 0 ? logs.length + this.others : undefined
      for (;;) {
        const told = await this.engine.ask('origin', { logs, servers, moments: SLICE })
        if (told.is !== 'open') return () => (this.answer = told)
        this.looked += SLICE
      }
    })
  }

  /** Looks for a run that loses an entry. */
  claim(claimed: Claimed): Promise<void> {
    this.claimed = claimed
    this.examined = null
    return this.work('claim', async (logs) => {
      const examined = await this.engine.ask('claim', { logs, ...claimed })
      return () => (this.examined = examined)
    })
  }

  /** Asks about the logs as they are now, unless something is wrong with them. */
  private async work(what: 'run' | 'claim', ask: (logs: string[]) => Promise<() => void>): Promise<void> {
    this.stop()
    const job = this.job
    this.problem = null
    this.stopped = null
    this.busy = what
    const logs = this.logs.map(inWords)
    try {
      const found = (await this.check()) ? await ask(logs) : null
      if (job !== this.job) return
      found?.()
    } catch (failure) {
      if (job !== this.job) return
      const { message, help } = failure as Error & { help?: string }
      this.problem = { text: failure instanceof EngineBroken ? `the engine has failed: ${message}` : message, help }
    }
    this.busy = null
  }

  /** Ends the search. */
  stop(): void {
    if (!this.busy) return
    this.job += 1
    this.stopped = this.busy
    this.busy = null
    this.engine.stop('the search was stopped')
  }

  /** The question is left for now: its engine ends, and is started again when it is needed. */
  leave(): void {
    this.stop()
    this.engine.stop('the question was left')
  }
}
