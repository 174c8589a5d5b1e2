import type { FaultyLink } from '../types/FaultyLink'
import type { NetworkView } from '../types/NetworkView'
import type { Link, NodeId, TraceRecord } from './record'

export type { NetworkView } from '../types/NetworkView'

/** A network without faults. */
export const SOUND_NETWORK: NetworkView = { speed_millionths: null, faulty_links: [] }

/** The faults of the link from one server to another. */
export function faultsOf(network: NetworkView, from: NodeId, to: NodeId): FaultyLink {
  const faulty = network.faulty_links.find((link) => link.from === from && link.to === to)
  return faulty ?? { from, to, cut: false, loss_percent: 0, delay_us: 0 }
}

/** Does nothing pass between these two, in either direction? */
export function isCutBetween(network: NetworkView, a: NodeId, b: NodeId): boolean {
  return faultsOf(network, a, b).cut && faultsOf(network, b, a).cut
}

/** Does all pass between these two, in both directions? */
export function isWholeBetween(network: NetworkView, a: NodeId, b: NodeId): boolean {
  return !faultsOf(network, a, b).cut && !faultsOf(network, b, a).cut
}

/** Is a server cut off from all others, in both directions? */
export function isCutOff(network: NetworkView, id: NodeId, all: readonly NodeId[]): boolean {
  const others = all.filter((other) => other !== id)
  return others.length > 0 && others.every((other) => isCutBetween(network, id, other))
}

export function applyToNetwork(network: NetworkView, record: TraceRecord): NetworkView {
  switch (record.event) {
    case 'speed':
      return { ...network, speed_millionths: record.millionths }
    case 'links_cut':
      return change(network, record.links, { cut: true })
    case 'links_mended':
      return change(network, record.links, { cut: false })
    case 'links_delayed':
      return change(network, record.links, { delay_us: record.delay_us })
    case 'links_lossy':
      return change(network, record.links, { loss_percent: record.percent })
    case 'links_healed':
      return { ...network, faulty_links: [] }
    default:
      return network
  }
}

function change(network: NetworkView, links: readonly Link[], news: Partial<FaultyLink>): NetworkView {
  const isChanged = (one: Link) => links.some(({ from, to }) => one.from === from && one.to === to)
  const others = network.faulty_links.filter((link) => !isChanged(link))
  const changed = links.map(({ from, to }) => ({ ...faultsOf(network, from, to), ...news }))
  const faulty = changed.filter(({ cut, loss_percent, delay_us }) => cut || loss_percent > 0 || delay_us > 0)
  return { ...network, faulty_links: [...others, ...faulty] }
}
