// The engine: the simulator and the servers' own code, as WebAssembly in a worker. It is asked in JSON.

import type { NodeId, TraceRecord } from '../trace/record'
import type { AddedTold } from '../types/AddedTold'
import type { AnswerGraded } from '../types/AnswerGraded'
import type { ChallengeMarked } from '../types/ChallengeMarked'
import type { ClaimExamined } from '../types/ClaimExamined'
import type { CourseMark } from '../types/CourseMark'
import type { CourseResponse } from '../types/CourseResponse'
import type { CourseResults } from '../types/CourseResults'
import type { CourseTold } from '../types/CourseTold'
import type { Explanation } from '../types/Explanation'
import type { Flying as InFlight } from '../types/Flying'
import type { GradesTold } from '../types/GradesTold'
import type { Hunted } from '../types/Hunted'
import type { Judged } from '../types/Judged'
import type { LogsOrigin } from '../types/LogsOrigin'
import type { PracticeTold } from '../types/PracticeTold'
import type { PuzzleMarked } from '../types/PuzzleMarked'
import type { Refused } from '../types/Refused'
import type { MysteryTold } from '../types/MysteryTold'
import type { ScriptText } from '../types/ScriptText'
import type { Shrunk } from '../types/Shrunk'
import type { Told as ToldByEngine } from '../types/Told'
import type { WhyNotTold } from '../types/WhyNotTold'
import type { Embedded, Omission, Scenario, Setup } from './contract'
import type { FromEngine, ToEngine } from './engine.worker'
import EngineWorker from './engine.worker?worker&inline'

/** What the engine has to tell after a command, or after time has passed. */
export type Told = Omit<ToldByEngine, 'records'> & { readonly records: readonly TraceRecord[] }

/** What can be asked, and what comes back. */
type Asks = {
  open: { with: { script: string }; back: Told & { setup: Setup } }
  do: { with: { command: string }; back: Told }
  run: { with: { us: number }; back: Told }
  step: { with: object; back: Told }
  fork: { with: { position: number }; back: Told }
  script: { with: object; back: ScriptText }
  messages: { with: object; back: readonly InFlight[] }
  scenarios: { with: object; back: readonly Scenario[] }
  film: { with: { path: string } | { script: string }; back: Embedded }
  hunt: { with: { without: string; from: number; steps: number }; back: Hunted }
  shrink: { with: { steps: number }; back: Shrunk }
  origin: { with: { logs: readonly string[]; servers?: number | undefined; moments: number }; back: LogsOrigin }
  claim: { with: { logs: readonly string[]; index: number; term?: number }; back: ClaimExamined }
  course: { with: { seed: number }; back: CourseTold }
  mark: { with: { card: string; response: CourseResponse }; back: CourseMark }
  judge: { with: { card: string }; back: Judged }
  grade: { with: { results: CourseResults }; back: GradesTold }
  add: { with: { results: CourseResults; more: CourseResults }; back: AddedTold }
  practice: { with: object; back: PracticeTold }
  answer: { with: { blank: string; expression: string; runs: number; steps: number }; back: AnswerGraded }
  mysteries: { with: { seed: number; number: number }; back: readonly MysteryTold[] }
  broken: { with: { rule: string }; back: ChallengeMarked }
  saved: { with: { puzzle: string }; back: PuzzleMarked }
  explain: { with: { command?: string }; back: Explanation }
  why_not: { with: { server: NodeId; what: Omission; position: number }; back: WhyNotTold }
}

/** The engine has failed, and its world is gone. */
export class EngineBroken extends Error {}

type Waiting = { readonly resolve: (answer: never) => void; readonly reject: (failure: Error) => void }

/** One engine with one world. After it broke or was stopped, the next request starts it again, without a world. */
export class Engine {
  private worker: Worker | null = null
  private waiting = new Map<number, Waiting>()
  private asked = 0

  constructor(private readonly bytes: ArrayBuffer) {}

  /** Asks; throws an error with help if the engine refuses, and `EngineBroken` if it fails. */
  ask<What extends keyof Asks>(what: What, fields: Asks[What]['with']): Promise<Asks[What]['back']> {
    const worker = (this.worker ??= this.start())
    const id = (this.asked += 1)
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      send(worker, { id, request: JSON.stringify({ ask: what, ...fields }) })
    })
  }

  /** One more engine of this kind. */
  another(): Engine {
    return new Engine(this.bytes)
  }

  /** Ends whatever it does. All that is waited for fails with these words. */
  stop(words: string): void {
    this.worker?.terminate()
    this.worker = null
    for (const { reject } of this.waiting.values()) reject(new EngineBroken(words))
    this.waiting.clear()
  }

  private start(): Worker {
    const worker = new EngineWorker()
    worker.onmessage = ({ data }: MessageEvent<FromEngine>) => {
      if ('broken' in data) this.stop(data.broken)
      else this.take(data.id, data.answer)
    }
    worker.onerror = () => this.stop('this browser can’t start the engine')
    send(worker, { bytes: this.bytes })
    return worker
  }

  private take(id: number, answer: string): void {
    const { resolve, reject } = this.waiting.get(id)!
    this.waiting.delete(id)
    const { ok, refused, help } = JSON.parse(answer) as { ok?: unknown } & Partial<Refused>
    if (refused === undefined) resolve(ok as never)
    else reject(Object.assign(new Error(refused), { help }))
  }
}

function send(worker: Worker, message: ToEngine): void {
  worker.postMessage(message)
}

/** The first byte of every gzip file. */
const GZIP = 0x1f

declare global {
  interface Window {
    /** The engine, where a page has it inside: gzipped. */
    raftEngine?: Uint8Array<ArrayBuffer>
  }
}

/** An engine from this page or, if it has none, from beside it. */
export async function engine(): Promise<Engine> {
  return new Engine(await unpacked(window.raftEngine ? new Blob([window.raftEngine]) : await fetched()))
}

async function fetched(): Promise<Blob> {
  const answer = await fetch('engine.wasm.gz').catch(() => null)
  if (answer?.ok) return answer.blob()
  throw Object.assign(new Error('this page has no engine to simulate a cluster with'), { help: 'open one that `raft export --lab` wrote, or start `raft lab`' })
}

/** Some hosts have the browser unpack it already. */
async function unpacked(file: Blob): Promise<ArrayBuffer> {
  const [first] = new Uint8Array(await file.slice(0, 1).arrayBuffer())
  const isPacked = first === GZIP
  return isPacked ? new Response(file.stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer() : file.arrayBuffer()
}
