// What a person does to a simulated cluster, in the language of scenarios (docs/scenarios.md).

import { faultsOf } from '../trace/network'
import type { Link, NodeId } from '../trace/record'
import { idsOf, isRunning, leaderOf, partOf, type ClusterView } from '../trace/view'
import type { Links } from '../types/Links'
import type { Profile } from '../types/Profile'
import type { Action } from './contract'

/** The client of the page. */
export const CLIENT = 1

/** What commands depend on. */
export type World = {
  readonly cluster: ClusterView
  /** The rules that are off. */
  readonly off: readonly string[]
}

/** The commands that do this. Throws an error, with help, if it can't be done. */
export function commandsFor(action: Action, { cluster, off }: World): string[] {
  switch (action.action) {
    case 'kill_leader':
      return [`kill n${leaderIn(cluster)}`]
    case 'kill':
    case 'restart':
    case 'pause':
    case 'resume':
      return [`${action.action} n${action.node}`]
    case 'power_cut':
      return [`crash n${action.node}${action.unsynced === 'lost' ? '' : ` unsynced=${action.unsynced}`}`]
    case 'lose_disk':
      return [`lose-disk n${action.node}`]
    case 'fill_disk':
      return [`fill-disk n${action.node}`]
    case 'mend_disk':
      return [`mend-disk n${action.node}`]
    case 'set_clock':
      return [`clock n${action.node} ${action.multiple}`]
    case 'force_timeout':
      return [`timeout n${action.node}`]
    case 'align_timers':
      return [`timeout ${named(runningOf(cluster))}`]
    case 'set_profile':
      return runningOf(cluster).map((id) => `profile n${id} ${profileWords(action.profile)}`)
    case 'transfer':
      return [`transfer n${action.to}`]
    case 'add_server':
      return [`change add=n${spareOf(cluster)}`]
    case 'promote':
      return [`change promote=n${action.node}`]
    case 'remove_server':
      return [`change remove=n${action.node}`]
    case 'cut':
      return cut(action.links, cluster)
    case 'mend':
      return linksOf(action.links, cluster).map(({ from, to }) => `mend n${from} n${to}`)
    case 'delay':
      return weather(action.links, cluster, { delay_us: action.delay_us })
    case 'lose':
      return weather(action.links, cluster, { loss_percent: action.percent })
    case 'heal':
      return ['heal']
    case 'put':
      return [`put c${CLIENT} ${keyIn(action.key)} ${numberIn(action.value)}`]
    case 'get':
    case 'delete':
      return [`${action.action} c${CLIENT} ${keyIn(action.key)}`]
    case 'swap':
      return [`swap c${CLIENT} ${keyIn(action.key)} ${numberIn(action.old)} ${numberIn(action.value)}`]
    case 'message':
      return [`${action.what} ${action.select}${action.what === 'delay' ? ' by=100ms' : ''}`]
    case 'rule':
      return switchRule(action.rule, action.is_off, off)
    default:
      throw new Error(`a simulated cluster has no ${action.action.replaceAll('_', ' ')}`)
  }
}

/** Only one rule can be off at a time. */
function switchRule(rule: string, isOff: boolean, off: readonly string[]): string[] {
  if (!isOff) return [`rule ${rule} on`]
  return [...off.filter((other) => other !== rule).map((other) => `rule ${other} on`), `rule ${rule} off`]
}

function named(ids: readonly NodeId[]): string {
  return ids.map((id) => `n${id}`).join(' ')
}

function leaderIn(cluster: ClusterView): NodeId {
  const leader = leaderOf(cluster)
  if (leader === null) throw Object.assign(new Error('there is no leader at the moment'), { help: 'let time pass until one is elected' })
  return leader
}

function runningOf(cluster: ClusterView): NodeId[] {
  const running = idsOf(cluster).filter((id) => isRunning(cluster.servers[id]!))
  if (running.length === 0) throw Object.assign(new Error('no server is running'), { help: 'restart one first' })
  return running
}

/** The first running server that is no member yet. */
function spareOf(cluster: ClusterView): NodeId {
  const spare = runningOf(cluster).find((id) => partOf(cluster, id) === 'stranger' && !cluster.servers[id]!.is_removed)
  if (spare === undefined) throw Object.assign(new Error('no server is left to add'), { help: '“New…” starts a cluster with a spare server' })
  return spare
}

export function profileWords({ pre_vote, check_quorum, eager_election }: Profile): string {
  const parts = [pre_vote && 'pre-vote', check_quorum && 'check-quorum', eager_election && 'eager-election'].filter(Boolean)
  return parts.length === 0 ? 'paper' : parts.length === 3 ? 'production' : parts.join('/')
}

function cut(links: Links, cluster: ClusterView): string[] {
  if (links !== 'all' && 'of' in links) return [`partition n${links.of}`]
  if (links !== 'all' && 'between' in links) return [`partition ${named(links.between)}`]
  return linksOf(links, cluster).map(({ from, to }) => `cut n${from} n${to}`)
}

/** The links, each in one direction. */
function linksOf(links: Links, cluster: ClusterView): Link[] {
  const ids = idsOf(cluster)
  const all = ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => ({ from, to })))
  if (links === 'all') return all
  if ('one_way' in links) return [links.one_way]
  if ('both_ways' in links) {
    const [a, b] = links.both_ways
    return [{ from: a, to: b }, { from: b, to: a }]
  }
  if ('of' in links) return all.filter(({ from, to }) => from === links.of || to === links.of)
  return all.filter(({ from, to }) => links.between.includes(from) !== links.between.includes(to))
}

/** A link's command says all about it: how long messages take there, and how many are lost. */
function weather(links: Links, cluster: ClusterView, news: { delay_us?: number; loss_percent?: number }): string[] {
  const words = (before: { delay_us: number; loss_percent: number }) => {
    const { delay_us, loss_percent } = { ...before, ...news }
    const latency = delay_us > 0 ? ` latency=${delay_us / 1000}ms` : ''
    return latency + (loss_percent > 0 ? ` loss=${loss_percent / 100}` : '')
  }
  const each = linksOf(links, cluster).map((link) => ({ link, words: words(faultsOf(cluster.network, link.from, link.to)) }))
  const [first] = each
  const isSame = links === 'all' && each.every((one) => one.words === first?.words)
  return isSame && first ? [`link${first.words}`] : each.map(({ link: { from, to }, words }) => `link n${from} n${to}${words}`)
}

function keyIn(key: string): string {
  if (/^[a-z]$/i.test(key)) return key
  throw Object.assign(new Error(`“${key}” is no key here`), { help: 'In a simulated cluster a key is a single letter, such as x' })
}

function numberIn(value: string): string {
  if (/^\d{1,15}$/.test(value)) return value
  throw Object.assign(new Error(`“${value}” is no value here`), { help: 'In a simulated cluster a value is a whole number, such as 7' })
}
