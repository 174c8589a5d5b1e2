import type { Link, NodeId, TraceRecord } from './record'

/** What the laboratory does to one link. */
export type LinkView = { readonly isCut: boolean; readonly delayUs: number; readonly lossPercent: number }

/** The links that are not sound; all others are. */
export type NetworkView = { readonly [link: string]: LinkView }

export const SOUND_NETWORK: NetworkView = {}

const SOUND: LinkView = { isCut: false, delayUs: 0, lossPercent: 0 }

export function linkOf(network: NetworkView, from: NodeId, to: NodeId): LinkView {
  return network[`${from}>${to}`] ?? SOUND
}

/** Does nothing pass between these two, or only one way? */
export function isCutBetween(network: NetworkView, a: NodeId, b: NodeId): boolean {
  return linkOf(network, a, b).isCut && linkOf(network, b, a).isCut
}

/** Does a server hear nobody, and nobody hear it? */
export function isCutOff(network: NetworkView, id: NodeId, all: readonly NodeId[]): boolean {
  const others = all.filter((other) => other !== id)
  return others.length > 0 && others.every((other) => isCutBetween(network, id, other))
}

export function applyToNetwork(network: NetworkView, record: TraceRecord): NetworkView {
  switch (record.event) {
    case 'links_cut':
      return change(network, record.links, { isCut: true })
    case 'links_mended':
      return change(network, record.links, { isCut: false })
    case 'links_delayed':
      return change(network, record.links, { delayUs: record.delay_us })
    case 'links_lossy':
      return change(network, record.links, { lossPercent: record.percent })
    case 'links_healed':
      return SOUND_NETWORK
    default:
      return network
  }
}

function change(network: NetworkView, links: readonly Link[], news: Partial<LinkView>): NetworkView {
  const changed = links.map(({ from, to }) => [`${from}>${to}`, { ...linkOf(network, from, to), ...news }])
  return { ...network, ...Object.fromEntries(changed) }
}
