import { Pace } from '../time/pace.svelte'
import { Player } from '../time/player.svelte'
import { ServersTime } from '../time/servers-time'
import { TimeWindow } from '../time/time-window.svelte'
import { rerunFrom } from '../time/rerun'
import { beginsStep } from '../trace/feed'
import { Headlines, type Headline } from '../trace/headlines'
import { History, type Entry } from '../trace/history'
import type { NodeId, TraceRecord } from '../trace/record'
import { Script } from '../trace/script'
import { clusterFrom } from '../trace/view'
import { asSentence, seconds } from '../trace/words'
import type { SlowMotionState } from '../types/SlowMotionState'
import type { Snapshot } from '../types/Snapshot'
import type { Action, Part, Setup, Stretch, WhyNot } from './contract'
import type { LabRun } from './lab.svelte'
import type { Source } from './source'

/** Where the records come from: all at once from a file, or from a cluster that may have stopped. */
export type Connection = 'file' | 'connected' | 'broken'

/** A message for the reader. */
export type Notice = { readonly text: string; readonly help?: string; readonly isBad: boolean }

/** What can be marked in the picture, as the answer to a question: servers, as in `n1`, or entries, as in `entry 2 (term 1)`. */
export type Marks = {
  readonly offered: ReadonlySet<string>
  readonly marked: ReadonlySet<string>
  readonly toggle: (what: string) => void
}

/** How long each step of a trace without times is shown, in microseconds. */
export const STEP_US = 700_000

/** One cluster on show: its history, the moment that is shown, and what can be done to it. */
export class Session {
  readonly history: History
  readonly player: Player
  readonly script: Script
  readonly serversTime: ServersTime
  readonly pace = new Pace()
  timeWindow = new TimeWindow()
  readonly headlines = new Headlines()
  /** Are there headlines, or only records? */
  hasHeadlines = false
  /** Does the story tell each event, rather than the headlines? */
  tellsAll = $state(false)
  /** The episodes whose events are shown below their headline, or are not although they would be. */
  unfolded = $state.raw<ReadonlyMap<number, boolean>>(new Map())
  /** Is what is done slowed down, and is it now? Null where nothing can be done. */
  slowMotion = $state.raw<SlowMotionState | null>(null)
  /** An election that is over, and may be shown again. */
  private finished: Headline | null = null
  /** Does the trace have an order, but no times? */
  isTimeless = false
  connection = $state<Connection>('file')
  /** Who explains why something did not happen: the page's server, or its engine. A file has none. */
  whyNot: WhyNot | null = null
  /** The simulated run, if this is one. */
  lab: LabRun | null = null
  /** The number of the first entry that another cluster, with which this one is compared, does not have. */
  differsAt = $state<number | null>(null)
  /** The fragment of the question that this run answers, if it was constructed for one. */
  question: string | null = null
  notice = $state.raw<Notice | null>(null)
  /** The server whose card is open. */
  selected = $state<NodeId | null>(null)
  /** The message in flight whose card is open, by the number of the entry of its sending. */
  picked = $state<number | null>(null)
  /** What is marked in the picture, where a question asks for it. */
  marks = $state.raw<Marks | null>(null)
  /** The event that is asked about. */
  asked = $state.raw<Entry | null>(null)
  showsRoutine = $state(false)
  /** Does the story show a scenario's commands, and what its silent ones caused? */
  showsScript = $state(false)
  /** The speed that was asked for, until the cluster has it. */
  wishedSpeed = $state<number | null>(null)
  /** How many times earlier records were loaded. */
  loaded = $state(0)
  isLoading = $state(false)
  /** From here on, all records were loaded. */
  private loadedFrom = 0
  private loading = Promise.resolve()

  constructor(
    readonly setup: Setup,
    private source: Source | null,
    records = 0,
  ) {
    this.script = new Script(setup.scenes, records)
    this.history = new History(setup.servers)
    this.serversTime = new ServersTime(setup.speed)
    this.player = new Player(this.history, this.serversTime, this.script.stops, source?.present)
  }

  /** Does the cluster still run, so that its server can be asked? */
  get isConnected(): boolean {
    return this.source !== null && this.connection === 'connected'
  }

  /** Can anything be done to the cluster? Only where the present is on show: what is done there is seen. */
  get canAct(): boolean {
    return this.isConnected && this.player.isLive
  }

  /** Does this page show a cluster to which something can be done, or could until it ended? */
  get hasHands(): boolean {
    return this.source !== null
  }

  /** The cluster has stopped, or the connection to it is lost: time stands still. */
  disconnect(): void {
    this.connection = 'broken'
    this.player.end()
  }

  add(record: TraceRecord): void {
    this.history.add(record)
    if (record.event === 'speed') {
      this.serversTime.change(record.t, record.millionths / 1e6)
      if (this.wishedSpeed === record.millionths / 1e6) this.wishedSpeed = null
    }
  }

  /** Takes in what is said now. */
  hear(headline: Headline): void {
    const isOver = headline.is_won && !this.headlines.latest(headline.episode)?.is_won
    this.headlines.add(headline)
    if (isOver) this.finished = headline
  }

  /** Shows an election that nobody slowed down again, once it is over, if its reader does nothing else meanwhile. */
  watchAgain(isFree: boolean): void {
    const { finished: headline, player } = this
    if (headline === null) return
    const rerun = rerunFrom(this, headline)
    if (rerun === 'later') return
    this.finished = null
    const isWatching = this.isConnected && player.isLive && this.selected === null && this.asked === null
    const isSlow = this.slowMotion === null || !this.slowMotion.is_wanted || this.slowMotion.is_on
    if (rerun && isFree && isWatching && !isSlow) player.rerun(rerun)
  }

  /** Switches slow motion on or off. */
  switchSlowMotion(): void {
    if (this.slowMotion) void this.act({ action: 'slow_motion', is_wanted: !this.slowMotion.is_wanted })
  }

  /** Does the story show headlines? */
  get showsHeadlines(): boolean {
    return this.hasHeadlines && !this.tellsAll
  }

  /** The latest headlines at this position, as they were said then. What a silent command of a scenario caused is not told. */
  headlinesAt(position: number, most?: number): Headline[] {
    const isTold = ({ after }: Headline) => this.showsScript || !this.script.isSilent(after - 1)
    return this.headlines.at(position, most, isTold)
  }

  /** The position at which an episode begins: before the step that its first record belongs to. */
  beginOf({ first }: Headline): number {
    const { history } = this
    const record = history.before(first)?.record
    const begin = record && history.previous(first, (entry) => entry.record.node === record.node && beginsStep(entry.record))
    return begin ? begin.number : first - 1
  }

  /** Shows the moment at which an episode begins, and the events from there on. */
  async showEpisode(headline: Headline): Promise<void> {
    await this.reachBefore(headline.first)
    this.tellsAll = false
    this.unfold(headline, true)
    const entry = this.history.before(headline.first)
    if (entry) this.player.showEntry(entry)
  }

  unfold({ episode }: Headline, isUnfolded: boolean): void {
    this.unfolded = new Map(this.unfolded).set(episode, isUnfolded)
  }

  /** Goes to the beginning of the next episode, or of the one before. */
  async stepEpisode(direction: 1 | -1): Promise<void> {
    const { position } = this.player.moment
    const all = this.headlinesAt(Infinity)
    const headline = direction === 1 ? all.find(({ first }) => first > position) : all.findLast(({ first }) => first < position)
    if (headline) await this.showEpisode(headline)
  }

  /** Continues from the server's snapshot of the cluster, after records that are missing here. */
  resume(snapshot: Snapshot): void {
    this.loadedFrom = snapshot.after
    this.serversTime.change(this.history.lastTime, this.speedIn(snapshot))
    this.history.resume(clusterFrom(snapshot.view), snapshot.after)
  }

  /** Does the server have records, at least heartbeats, from before those that are loaded? */
  get hasEarlier(): boolean {
    return this.isConnected && this.loadedFrom > Math.max(0, this.history.end - (this.setup.history ?? 0))
  }

  /** Loads the story so far: all that was before, but for the routine. */
  loadStory(): Promise<void> {
    return this.load(async () => this.prependStory(await this.source!.story(this.history.start)))
  }

  /** Loads earlier records, a stretch at a time, until there are enough or no more. */
  loadEarlier(isEnough: () => boolean): Promise<void> {
    return this.load(async () => {
      while (this.hasEarlier && !isEnough()) {
        const stretch = await this.source!.earlier(this.loadedFrom)
        if (!stretch || !this.prepend(stretch)) break
      }
    })
  }

  /** Loads one thing after the other. */
  private async load(work: () => Promise<void>): Promise<void> {
    const before = this.loading
    const isDone = before.then(work).catch((failure) => this.complain(failure))
    this.loading = isDone
    this.isLoading = true
    await isDone
    if (this.loading === isDone) this.isLoading = false
  }

  /** Loads what the story shows of the time before this position, if that is not known yet. */
  reachBefore(position: number): Promise<void> {
    const isKnown = () => this.history.previous(position, this.isTold) !== undefined
    return this.showsRoutine ? this.loadEarlier(isKnown) : this.loading
  }

  /** Goes one event back or forward, and loads earlier records if it must. In a present that waits, lets the next thing happen. */
  async step(direction: 1 | -1): Promise<void> {
    const { player, source } = this
    if (source?.step && direction === 1 && this.isAtPresent) {
      player.goLive(false)
      return source.step().catch((failure) => this.complain(failure))
    }
    if (player.step(direction, this.isTold) || direction === 1) return
    const { position } = player.moment
    await this.reachBefore(position - 1)
    if (position === player.moment.position) player.step(-1, this.isTold)
  }

  /** Is the present on show, or the last thing that happened before it? */
  private get isAtPresent(): boolean {
    const { player, history } = this
    return player.isLive || !history.next(player.moment.position, this.isTold)
  }

  /** Goes to the earliest moment that the server has. */
  async begin(): Promise<void> {
    const { player } = this
    player.rewind()
    const { position } = player.moment
    await this.loadEarlier(() => player.isLive)
    // The reader may have gone on meanwhile.
    if (!player.isLive && player.moment.position === position) player.rewind()
  }

  private prependStory(parts: Part[]): void {
    const first = parts[0]
    if (!first) return
    const story = new History(this.setup.servers)
    for (const { snapshot, numbers, records } of parts) {
      // Records are counted from 1, positions from 0.
      story.resume(clusterFrom(snapshot.view), numbers[0]! - 1)
      records.forEach((record, place) => story.add(record, numbers[place]! - 1))
    }
    this.history.prependStory(story)
    this.noteSpeeds(first.snapshot)
  }

  private prepend({ snapshot, records }: Stretch): boolean {
    const { history } = this
    const older = new History(this.setup.servers)
    older.resume(clusterFrom(snapshot.view), snapshot.after)
    for (const record of records) older.add(record)
    if (records.length === 0 || older.end !== this.loadedFrom) return false
    const isFirst = older.start <= history.start
    history.prepend(older)
    this.loadedFrom = snapshot.after
    this.noteSpeeds(isFirst ? snapshot : null)
    return true
  }

  /** The speeds of the servers' clocks, from the first record on; the snapshot is of the moment before it. */
  private noteSpeeds(before: Snapshot | null): void {
    const { history, serversTime } = this
    serversTime.begin(before ? this.speedIn(before) : serversTime.speedAt(0))
    for (const record of history.records()) if (record.event === 'speed') serversTime.change(record.t, record.millionths / 1e6)
    this.loaded += 1
  }

  private speedIn({ view }: Snapshot): number {
    const { speed_millionths } = view.network
    return speed_millionths === null ? this.setup.speed : speed_millionths / 1e6
  }

  /** Does something to the cluster, and shows what came of it. */
  async act(action: Action): Promise<void> {
    try {
      this.notice = { text: asSentence(await this.perform(action)), isBad: false }
    } catch (failure) {
      this.complain(failure)
      this.wishedSpeed = null
    }
  }

  /** Does something to the cluster. Returns what the server says was done. */
  async perform(action: Action): Promise<string> {
    if (!this.source) throw new Error('there is no cluster here, only a record of one')
    return this.source.act(action)
  }

  /** Shows what went wrong. */
  complain(failure: unknown): void {
    const { message, help } = failure as Error & { help?: string }
    this.notice = { text: asSentence(message), help: help && asSentence(help), isBad: true }
  }

  /** The rules that no server follows at this position. */
  rulesOff(position: number): string[] {
    const { without } = this.setup
    return this.history.rulesOff(position, without === null ? [] : [without])
  }

  /** A time in words, or the step in a trace without times. */
  when(t: number): string {
    return this.isTimeless ? `step ${Math.ceil(t / STEP_US)}` : seconds(t)
  }

  /** Opens an event: shows its moment, its rule and its causes. */
  ask(entry: Entry): void {
    this.player.showEntry(entry)
    this.asked = entry
  }

  /** Is an event part of the story as it is shown now? */
  isTold = (entry: Entry): boolean =>
    (this.showsRoutine || !entry.isRoutine || this.script.tellsRoutine(entry.number)) &&
    (this.showsScript || !this.script.isSilent(entry.number))

  /** Must the story look through the routine too? */
  get readsRoutine(): boolean {
    return this.showsRoutine || this.script.hasRoutine
  }
}
