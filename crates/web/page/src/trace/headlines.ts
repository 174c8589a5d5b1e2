// What is said of the episodes of a run, and from which record on. The server makes the sentences.

import type { Headline } from '../types/Headline'
import { lowerBound } from './search'

export type { Headline } from '../types/Headline'

/** Maximum number of headlines that are kept, all versions counted. */
export const MOST = 6_000
/** Of this many of the latest episodes, more than the last version is kept, */
const LATEST = 200
/** but at most so many: if there are more, every second one is forgotten. */
export const VERSIONS = 128

type Episode = { readonly number: number; versions: Headline[] }

/** The headlines that are known, each in all versions: at a moment of the past, the version of that moment is shown. */
export class Headlines {
  /** In order; the versions of each in the order in which they were said. */
  private episodes: Episode[] = []
  private size = 0

  /** Takes in a headline, unless it is known. */
  add(headline: Headline): void {
    const known = this.find(headline.episode)
    if (!known) {
      const place = lowerBound(this.episodes, ({ number }) => number > headline.episode)
      this.episodes.splice(place, 0, { number: headline.episode, versions: [headline] })
    } else if (headline.after > known.versions.at(-1)!.after) {
      known.versions.push(headline)
    } else return
    this.size += 1
    if (known && known.versions.length > VERSIONS) this.thin(known, (place) => place % 2 === 0)
    if (this.size > MOST) this.forget()
  }

  /** What was said last of this episode. */
  latest(episode: number): Headline | undefined {
    return this.find(episode)?.versions.at(-1)
  }

  /** The latest `most` headlines that had been said after this number of records, as they were said then. */
  at(position: number, most = Infinity, isTold: (headline: Headline) => boolean = () => true): Headline[] {
    const told: Headline[] = []
    for (let place = this.episodes.length - 1; place >= 0 && told.length < most; place -= 1) {
      const version = this.episodes[place]!.versions.findLast((headline) => headline.after <= position && isTold(headline))
      if (version) told.push(version)
    }
    return told.reverse()
  }

  private find(episode: number): Episode | undefined {
    const place = lowerBound(this.episodes, ({ number }) => number >= episode)
    const found = this.episodes[place]
    return found?.number === episode ? found : undefined
  }

  /** Forgets versions between the first and the last. */
  private thin(episode: Episode, isKept: (place: number) => boolean): void {
    const { versions } = episode
    episode.versions = versions.filter((_, place) => isKept(place) || place === versions.length - 1)
    this.size -= versions.length - episode.versions.length
  }

  /** Forgets what was said better later on, then the oldest episodes, elections and broken promises last. */
  private forget(): void {
    for (const episode of this.episodes.slice(0, -LATEST)) this.thin(episode, () => false)
    this.drop(({ versions }) => versions.every((headline) => !headline.is_election && !headline.is_violation))
    this.drop(() => true)
  }

  /** Drops the oldest of these, until there is room for a quarter more. */
  private drop(isMinor: (episode: Episode) => boolean): void {
    this.episodes = this.episodes.filter((episode) => {
      const isDropped = this.size > MOST * 0.75 && isMinor(episode)
      if (isDropped) this.size -= episode.versions.length
      return !isDropped
    })
  }
}
