import type { LabRun } from '../source/lab.svelte'
import type { Session } from '../source/session.svelte'
import { idsOf, leaderOf } from '../trace/view'
import { firstSteps } from '../looks/first-steps.svelte'
import { lanes } from '../looks/address-switch.svelte'
import { projector } from '../looks/projector.svelte'
import { SPEEDS } from './player.svelte'
import { setSpeed, speedOf } from './speed'
import { ZOOM } from './time-window.svelte'

/** What each key does, for the help, and where it does something: everywhere, if that is not said. */
const KEYS: readonly (readonly [string, string, ((session: Session) => boolean)?])[] = [
  ['Space', 'pause or play'],
  ['← →', 'one event back or forward'],
  ['Home', 'go to the beginning'],
  ['End or L', 'go back to the present'],
  ['PgUp PgDn', 'go to the headline before or after'],
  ['M', 'slow motion for what you do, on or off', ({ slowMotion }) => slowMotion !== null],
  ['− +', 'slower or faster'],
  ['S', 'show a scenario’s script, or hide it', ({ script }) => script.hasCommands],
  ['P', 'projector: only servers and logs, in large type'],
  ['V', 'servers as lanes along the time, or on a ring'],
  [', .', 'lanes: more time, or less time in more detail'],
  ['↑ ↓', 'lanes: go from message to message; Enter asks why'],
  ['W', 'why did the event on show happen?'],
  ['1 … 9', 'open a server'],
  ['G', 'what to try first: show it, or close it for good', ({ hasHands }) => hasHands],
  ['I', 'open a message in flight, or the next one', ({ lab }) => lab !== null],
  ['C', 'continue from the moment on show', ({ lab }) => lab !== null],
  ['D', 'with and without a rule: go to the first difference', ({ lab }) => lab !== null],
  ['X', 'with and without a rule: end the comparison', ({ lab }) => lab !== null],
  ['K', 'kill the leader', ({ hasHands }) => hasHands],
  ['A', 'make all election timers run out at once', ({ hasHands }) => hasHands],
  ['R', 'restart all dead servers', ({ hasHands }) => hasHands],
  ['H', 'heal the network: end all cuts, delays and losses', ({ hasHands }) => hasHands],
  ['Esc', 'close what is open'],
  ['?', 'open this help'],
]

/** The keys that do something here. */
export function keysFor(session: Session): (readonly [string, string])[] {
  return KEYS.filter(([, , does]) => does?.(session) ?? true).map(([key, what]) => [key, what])
}

/** Does what a key pressed anywhere on the page asks for. */
export function keys(event: KeyboardEvent, session: Session, toggleHelp: () => void): void {
  // The browser closes a dialog itself.
  if (document.querySelector('dialog[open]')) return
  const target = event.target as HTMLElement
  const isTyping = target.matches('input[type=text], textarea, select')
  const isOnControl = target.matches('button, a, [role=button], summary, input')
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === ' ' && isOnControl) return
  if (event.key.startsWith('Arrow') && target.matches('input[type=range]') && !target.matches('.scrubber')) return
  // They choose another answer.
  if (event.key.startsWith('Arrow') && target.matches('input[type=radio]')) return
  const isDone = press(event.key, session, toggleHelp)
  if (isDone) event.preventDefault()
}

function press(key: string, session: Session, toggleHelp: () => void): boolean {
  const { player, history } = session
  switch (key.toLowerCase()) {
    case ' ':
      player.toggle()
      return true
    case 'arrowleft':
      void session.step(-1)
      return true
    case 'arrowright':
      void session.step(1)
      return true
    case 'home':
      void session.begin()
      return true
    case 'end':
    case 'l':
      present(session)
      return true
    case '-':
      slower(session)
      return true
    case '+':
    case '=':
      faster(session)
      return true
    case 'w': {
      const entry = player.shown && history.previous(player.moment.position, session.isTold)
      if (entry) session.ask(entry)
      return true
    }
    case 's':
      session.showsScript = session.script.hasCommands && !session.showsScript
      return true
    case 'p':
      projector.toggle()
      return true
    case 'v':
      lanes.toggle()
      return true
    case ',':
    case '.':
      if (!lanes.isOn) return false
      session.timeWindow.zoom(key === ',' ? ZOOM : 1 / ZOOM, player.moment.t)
      return true
    case 'g':
      firstSteps.toggle()
      return true
    case '?':
      toggleHelp()
      return true
    case 'pageup':
    case 'pagedown':
      // Where the page is longer than the screen, they scroll it.
      if (!session.showsHeadlines || document.documentElement.scrollHeight > innerHeight) return false
      void session.stepEpisode(key === 'PageUp' ? -1 : 1)
      return true
    case 'm':
      session.switchSlowMotion()
      return true
    case 'i':
      if (session.lab && session.canAct) pickNext(session, session.lab)
      return session.lab !== null
    case 'c':
      if (session.lab && !player.isLive) void session.lab.continueFrom(player.moment.position)
      return session.lab !== null
    case 'd':
      session.lab?.comparison?.showDifference()
      return !!session.lab?.comparison
    case 'x':
      session.lab?.comparison?.end()
      return !!session.lab?.comparison
    case 'escape':
      if (player.rerunUntil !== null) present(session)
      session.selected = null
      session.picked = null
      session.asked = null
      return true
    default:
      return pressHand(key, session)
  }
}

/** Stands still, and opens the message in flight that was sent next after the one that is open. */
function pickNext(session: Session, { flying }: LabRun): void {
  const numbers = [...flying.keys()].sort((one, other) => one - other)
  const open = session.picked ?? -1
  session.player.pause()
  session.picked = numbers.find((number) => number > open) ?? numbers[0] ?? null
}

/** Back to the present, or to the end of what there is. */
export function present(session: Session): void {
  session.asked = null
  const { player } = session
  if (session.connection === 'connected') player.goLive(player.isPlaying || !player.present.isHere)
  else player.seek(session.history.lastTime)
}

function pressHand(key: string, session: Session): boolean {
  const ids = idsOf(session.history.latest)
  const digit = Number(key)
  if (digit >= 1 && ids.includes(digit)) {
    if (session.marks?.offered.has(`n${digit}`)) toggleMark(session, `n${digit}`)
    else session.selected = digit
    return true
  }
  if (!session.isConnected || !'karh'.includes(key.toLowerCase())) return false
  if (!session.canAct) {
    session.notice = { text: `You are looking at the past. L leads back to ${session.lab ? 'the present' : 'live'}, where you can act${session.lab ? '; C continues from here' : ''}.`, isBad: false }
    return true
  }
  switch (key.toLowerCase()) {
    case 'k':
      if (leaderOf(session.history.latest) !== null) void session.act({ action: 'kill_leader' })
      return true
    case 'a':
      void session.act({ action: 'align_timers' })
      return true
    case 'r':
      restartDead(session)
      return true
    case 'h':
      void session.act({ action: 'heal' })
      return true
    default:
      return false
  }
}

function toggleMark(session: Session, server: string): void {
  session.marks?.toggle(server)
  session.notice = { text: `${server} is ${session.marks?.marked.has(server) ? 'marked' : 'no longer marked'}.`, isBad: false }
}

export function restartDead(session: Session): void {
  const { servers } = session.history.latest
  for (const node of idsOf(session.history.latest)) {
    if (servers[node]!.condition === 'dead') void session.act({ action: 'restart', node })
  }
}

export function slower(session: Session): void {
  const speed = SPEEDS.findLast((other) => other < speedOf(session) * 0.999)
  if (speed !== undefined) setSpeed(session, speed)
}

export function faster(session: Session): void {
  const speed = SPEEDS.find((other) => other > speedOf(session) * 1.001)
  if (speed !== undefined) setSpeed(session, speed)
}
