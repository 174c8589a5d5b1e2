// A new simulated cluster: what can be chosen, and the command that starts it.

export type Wanted = {
  readonly servers: number
  readonly spares: number
  readonly profile: 'paper' | 'production'
  /** All in milliseconds: the shortest and the longest election timeout, */
  readonly shortest: number
  readonly longest: number
  /** how often a leader sends heartbeats, */
  readonly heartbeat: number
  /** and how long messages take, at least and at most. */
  readonly quickest: number
  readonly slowest: number
  readonly seed: number
}

/** Messages take long enough to be seen and clicked, and far less than an election timeout. */
export const USUAL: Omit<Wanted, 'seed'> = {
  servers: 5,
  spares: 0,
  profile: 'paper',
  shortest: 150,
  longest: 300,
  heartbeat: 50,
  quickest: 10,
  slowest: 20,
}

/** A seed with which no one has looked yet, most likely. */
export function anySeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! % 100_000
}

/** The usual cluster, with a number of servers from a link, if it is one. */
export function wantedBy(servers: string | null): Wanted {
  const count = Number(servers)
  const isPossible = Number.isInteger(count) && count >= 1 && count <= 15
  return { ...USUAL, servers: isPossible ? count : USUAL.servers, seed: anySeed() }
}

/** The script that starts this cluster. */
export function newScript(wanted: Wanted): string {
  return `${clusterCommand(wanted)}\n---\n`
}

/** The command that starts this cluster. */
export function clusterCommand({ servers, spares, profile, shortest, longest, heartbeat, quickest, slowest, seed }: Wanted): string {
  const words = [
    `cluster ${servers}`,
    `election-timeout=${shortest}ms..${longest}ms`,
    `heartbeat=${heartbeat}ms`,
    `latency=${quickest}ms..${slowest}ms`,
    `profile=${profile}`,
    spares > 0 ? `spares=${spares}` : '',
    `seed=${seed}`,
  ]
  return words.filter(Boolean).join(' ')
}

/** Why these can't be chosen together, or null if they can. */
export function problemWith({ shortest, longest, heartbeat, quickest, slowest, seed }: Wanted): string | null {
  if (![shortest, longest, heartbeat, quickest, slowest, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    return 'Write whole numbers.'
  }
  if (shortest > longest || quickest > slowest) return 'The first number of a range is the smaller one.'
  if (shortest <= heartbeat) return 'Election timeouts must be longer than the time between two heartbeats.'
  return null
}
