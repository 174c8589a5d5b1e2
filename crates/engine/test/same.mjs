// Is the engine in the page the same as the native one? Asks both the same, and compares the responses: all
// scenarios, the traces of 1,000 seeds, and a long run of clicks.
//
//   cargo build --release -p raft-for-beginners-engine --example ask
//   node crates/engine/test/same.mjs target/release/examples/ask crates/web/page/dist/engine.wasm.gz

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const [native, engine] = process.argv.slice(2)
const SEEDS = 1_000
const CLICKS = 600

const module = new WebAssembly.Module(gunzipSync(readFileSync(engine)))
assert(WebAssembly.Module.imports(module).length === 0, 'the engine imports nothing')

/** An instance of the engine in the page. Throws its last words if it ends. */
function instance() {
  const { exports } = new WebAssembly.Instance(module)
  const text = (length) => new TextDecoder().decode(new Uint8Array(exports.memory.buffer, exports.answer(), length))
  return (request) => {
    const bytes = new TextEncoder().encode(request)
    const place = exports.reserve(bytes.length)
    new Uint8Array(exports.memory.buffer, place, bytes.length).set(bytes)
    try {
      return text(exports.ask())
    } catch (trap) {
      throw Object.assign(trap, { lastWords: text(exports.last_words()) })
    }
  }
}

function assert(holds, what) {
  if (holds) return
  console.error(`not so: ${what}`)
  process.exit(1)
}

/** What both engines are asked. */
function* requests(titles) {
  for (const { path } of titles) yield { ask: 'film', path }
  for (let seed = 0; seed < SEEDS; seed++) yield { ask: 'trace_hash', seed }
  yield { ask: 'trace_hash', seed: 3, without: 'majority-wins' }
  yield { ask: 'hunt', without: 'majority-wins', from: 0, steps: 100_000 }
  yield { ask: 'shrink', steps: 100_000 }
  yield* answers()
  yield* clicks()
}

/** Answers of learners with which servers panic. */
function* answers() {
  for (const [blank, expression] of [['may-commit', 'entry - current == 0'], ['fits', 'true'], ['first-conflict', 'true'], ['reached-by-majority', '1 / 0 > 1']]) {
    for (let slice = 0; slice < 5; slice++) yield { ask: 'answer', blank, expression, runs: 10, steps: 10_000 }
  }
}

/** A user who clicks on everything, always the same way. */
function* clicks() {
  let state = 1
  const draw = (most) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % most
  }
  const server = () => `n${1 + draw(6)}`
  const commands = [
    () => `kill ${server()}`,
    () => `restart ${server()}`,
    () => `crash ${server()}`,
    () => `pause ${server()}`,
    () => `resume ${server()}`,
    () => `timeout ${server()}`,
    () => `cut ${server()} ${server()}`,
    () => `mend ${server()} ${server()}`,
    () => `partition ${server()} ${server()}`,
    () => 'heal',
    () => `put c1 x ${draw(100)}`,
    () => `get c2 x at=${server()}`,
    () => `clock ${server()} 0.${1 + draw(9)}`,
    () => `hold from=${server()} count=1`,
    () => `rule one-vote-per-term ${draw(2) ? 'on' : 'off'}`,
    () => 'logs',
    () => 'messages',
    () => 'nonsense',
  ]
  yield { ask: 'open', script: 'cluster 5 seed=7 latency=1ms..20ms loss=0.05 save-time=0ms..5ms\nrun 1s\n---\n' }
  for (let click = 0; click < CLICKS; click++) {
    yield { ask: 'do', command: commands[draw(commands.length)]() }
    yield { ask: 'run', us: draw(300_000) }
    if (draw(3) === 0) yield { ask: 'step' }
    if (draw(10) === 0) yield { ask: 'messages' }
    if (draw(20) === 0) yield { ask: 'fork', position: draw(20_000) }
    if (draw(10) === 0) yield { ask: 'why_not', server: 1 + draw(6), what: 'leader', position: draw(5_000) }
  }
  yield { ask: 'script' }
  yield { ask: 'run_hash' }
}

const { ok: titles } = JSON.parse(instance()('{"ask":"scenarios"}'))
const asked = [...requests(titles)].map((request) => JSON.stringify(request))
const started = performance.now()
const ask = instance()
const here = asked.map(ask)
const took = performance.now() - started
const ran = spawnSync(native, { input: asked.join('\n'), maxBuffer: 2 ** 30, encoding: 'utf8' })
assert(ran.status === 0, `${native} answers: ${ran.error ?? ran.stderr}`)
const there = ran.stdout.trimEnd().split('\n')
assert(here.length === there.length, `${here.length} responses are as many as ${there.length}`)
here.forEach((response, place) => {
  const first = [...response].findIndex((letter, at) => letter !== there[place][at])
  assert(
    response === there[place],
    `the same response to ${asked[place]}:\n${response.slice(first - 100, first + 200)}\n${there[place].slice(first - 100, first + 200)}`,
  )
})
const refused = here.filter((response) => response.startsWith('{"refused"')).length
assert(refused > 10 && refused < here.length / 4, `some requests are refused, not ${refused} of ${here.length}`)

const panicked = here.filter((response) => response.includes('no server panics')).length
assert(panicked > 4, `servers panic, and the engine goes on, not ${panicked} times`)

console.log(
  `the same: ${titles.length} scenarios, ${SEEDS} seeds, ${here.length} responses in all (${refused} refusals), in ${(took / 1000).toFixed(1)} s`,
)
