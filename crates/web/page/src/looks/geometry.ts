import type { NodeId } from '../trace/record'

export type Point = { readonly x: number; readonly y: number }

/** Where the servers are, and how large. */
export type Layout = {
  readonly places: ReadonlyMap<NodeId, Point>
  /** For each server the direction out of the ring, of length 1. */
  readonly outward: ReadonlyMap<NodeId, Point>
  readonly radius: number
}

/** Room for the words below a server and for the mark above it. */
const WORDS = 46
const LARGEST = 42
const SMALLEST = 16
const SMALLEST_WITH_WORDS = 28
/** How far the words below a server reach to each side of it. */
const HALF_A_WORD = 36
/** A ring wider than this times its height would no longer look like one; many servers need the room all the same. */
const WIDEST = 1.5
const WIDEST_OF_MANY = 2.4
const MANY = 9
/** A box this large has room for a ring of the usual size. */
const ROOMY = { width: 600, height: 440 }
const SCALES = [1.5, 1.4, 1.3, 1.2, 1.1]

/** Is there room for the words below a server of this size? Otherwise they stand beside it. */
export function isLarge(radius: number): boolean {
  return radius >= SMALLEST_WITH_WORDS
}

/** Servers on a ring in a box of this size, the first one at the top. */
export function ringLayout(ids: readonly NodeId[], width: number, height: number): Layout {
  const centre = { x: width / 2, y: height / 2 - WORDS / 4 }
  const layout = (points: Point[], axes: Point, radius: number) => ({
    places: new Map(ids.map((id, order) => [id, points[order]!])),
    outward: new Map(ids.map((id, order) => [id, outOf(centre, axes, points[order]!)])),
    radius,
  })
  if (ids.length < 2) return layout([centre], { x: 1, y: 1 }, LARGEST)
  const widest = ids.length > MANY ? WIDEST_OF_MANY : WIDEST
  const wide = halfAxes(width, height, LARGEST, widest)
  const largest = Math.max(SMALLEST, Math.min(LARGEST, (Math.PI * (wide.x + wide.y)) / ids.length / 3.1))
  for (let radius = largest; ; radius -= 1) {
    // A smaller circle leaves the ring larger.
    const axes = halfAxes(width, height, radius, widest)
    const points = pointsOn(ids.length, centre, axes)
    if (radius <= SMALLEST_WITH_WORDS || !coverWords(points, radius)) {
      return layout(points, axes, radius)
    }
  }
}

/** How much larger all is drawn in a large box: no server gets smaller for it, and the ring stays wide. */
export function roomyScale(ids: readonly NodeId[], width: number, height: number): number {
  const isRoomy = (scale: number) => {
    const [wide, high] = [width / scale, height / scale]
    return wide >= ROOMY.width && high >= ROOMY.height && ringLayout(ids, wide, high).radius === LARGEST
  }
  return SCALES.find(isRoomy) ?? 1
}

/** The direction perpendicular to an ellipse at one of its points. */
function outOf(centre: Point, axes: Point, { x, y }: Point): Point {
  const [dx, dy] = [(x - centre.x) / axes.x ** 2, (y - centre.y) / axes.y ** 2]
  const length = Math.hypot(dx, dy) || 1
  return { x: dx / length, y: dy / length }
}

/** Does a server cover the words below another one? */
function coverWords(points: readonly Point[], radius: number): boolean {
  const isCovered = (upper: Point, lower: Point) =>
    lower.y > upper.y && lower.y - upper.y < 2 * radius + WORDS && Math.abs(lower.x - upper.x) < radius + HALF_A_WORD
  return points.some((upper) => points.some((lower) => isCovered(upper, lower)))
}

function pointsOn(count: number, centre: Point, axes: Point): Point[] {
  const first = count === 2 ? Math.PI : -Math.PI / 2
  const place = (angle: number) => ({ x: centre.x + axes.x * Math.cos(angle), y: centre.y + axes.y * Math.sin(angle) })
  return evenly(count, axes, first).map(place)
}

function halfAxes(width: number, height: number, radius: number, widest: number): Point {
  const beside = isLarge(radius) ? 34 : 62
  const y = Math.max(20, (height - WORDS) / 2 - radius - (isLarge(radius) ? 12 : 22))
  const x = Math.max(20, Math.min(width / 2 - radius - beside, y * widest))
  return { x, y: Math.min(y, x * WIDEST) }
}

/** Angles at which this many points divide an ellipse into arcs of the same length. */
function evenly(count: number, axes: Point, first: number): number[] {
  const STEPS = 720
  const lengths = [0]
  for (let step = 0; step < STEPS; step += 1) {
    const angle = first + (2 * Math.PI * (step + 0.5)) / STEPS
    lengths.push(lengths[step]! + Math.hypot(axes.x * Math.sin(angle), axes.y * Math.cos(angle)))
  }
  const whole = lengths[STEPS]!
  return Array.from({ length: count }, (_, order) => {
    const step = lengths.findIndex((length) => length >= (whole * order) / count)
    return first + (2 * Math.PI * step) / STEPS
  })
}

/** The way of messages from one server to another: bent to the right, so that the way back is another one. */
export type Way = { readonly from: Point; readonly bend: Point; readonly to: Point }

export function wayBetween(from: Point, to: Point, radius: number): Way {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const distance = Math.hypot(dx, dy) || 1
  const gap = Math.min(radius + 12, distance / 3)
  const [ux, uy] = [dx / distance, dy / distance]
  const side = Math.min(26, distance * 0.1)
  return {
    from: { x: from.x + ux * gap - (uy * side) / 3, y: from.y + uy * gap + (ux * side) / 3 },
    bend: { x: (from.x + to.x) / 2 - uy * side, y: (from.y + to.y) / 2 + ux * side },
    to: { x: to.x - ux * gap - (uy * side) / 3, y: to.y - uy * gap + (ux * side) / 3 },
  }
}

/** A point on a way, and the direction there in degrees. */
export function onWay({ from, bend, to }: Way, progress: number): Point & { angle: number } {
  const rest = 1 - progress
  const mix = (a: number, b: number, c: number) => rest * rest * a + 2 * rest * progress * b + progress * progress * c
  const slope = (a: number, b: number, c: number) => rest * (b - a) + progress * (c - b)
  return {
    x: mix(from.x, bend.x, to.x),
    y: mix(from.y, bend.y, to.y),
    angle: (Math.atan2(slope(from.y, bend.y, to.y), slope(from.x, bend.x, to.x)) * 180) / Math.PI,
  }
}

export function pathOf({ from, bend, to }: Way): string {
  return `M${from.x} ${from.y}Q${bend.x} ${bend.y} ${to.x} ${to.y}`
}

/** The corners of a regular polygon, the first one at the top. */
export function polygon(corners: number, radius: number): string {
  return Array.from({ length: corners }, (_, corner) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * corner) / corners
    return `${(radius * Math.cos(angle)).toFixed(2)},${(radius * Math.sin(angle)).toFixed(2)}`
  }).join(' ')
}
