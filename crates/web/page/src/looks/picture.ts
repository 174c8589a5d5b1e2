// The moment on show as an SVG file: it needs nothing else, and is light whatever the page's theme is.

const SVG = 'http://www.w3.org/2000/svg'
const MARGIN = 24
const HEADING = 64

/** What places and shapes an element of a drawing. */
const SHAPE = ['x', 'y', 'width', 'height', 'rx', 'r', 'cx', 'cy', 'x1', 'y1', 'x2', 'y2', 'd', 'points', 'transform', 'pathLength', 'viewBox']
/** How it looks, and how it would look if nothing were said about that. */
const LOOKS = {
  fill: 'rgb(0, 0, 0)',
  stroke: 'none',
  'stroke-width': '1px',
  'stroke-dasharray': 'none',
  'stroke-linecap': 'butt',
  'stroke-linejoin': 'miter',
  'paint-order': 'normal',
  opacity: '1',
}
const TYPE = ['font-family', 'font-size', 'font-weight', 'text-anchor']

type Box = { readonly left: number; readonly top: number; readonly width: number; readonly height: number }

const NOTHING: Box = { left: 0, top: 0, width: 0, height: 0 }

/** A picture of the servers, and of the logs below them if they are wanted, with what is shown and when. */
export function picture(servers: SVGSVGElement, logs: HTMLElement | null, title: string, when: string): string {
  const root = document.documentElement
  const { theme } = root.dataset
  root.dataset.theme = 'light'
  try {
    const [above, below] = [servers.getBoundingClientRect(), logs?.getBoundingClientRect() ?? NOTHING]
    const width = Math.max(above.width, below.width) + 2 * MARGIN
    const height = HEADING + above.height + below.height + 2 * MARGIN
    const sheet = make('svg', { width, height, viewBox: `0 0 ${width} ${height}` })
    const { backgroundColor, color } = getComputedStyle(document.body)
    const serversPlace = make('g', { transform: `translate(${(width - above.width) / 2} ${HEADING})` })
    serversPlace.append(copyOf(servers))
    const logsPlace = make('g', { transform: `translate(${(width - below.width) / 2} ${HEADING + above.height + MARGIN / 2})` })
    if (logs) logsPlace.append(drawn(logs, below))
    sheet.append(
      make('rect', { width: '100%', height: '100%', fill: plain(backgroundColor) }),
      text(title, MARGIN, 30, { 'font-size': 20, 'font-weight': 700, fill: plain(color) }),
      text(when, MARGIN, 52, { 'font-size': 14, fill: plain(color) }),
      serversPlace,
      logsPlace,
    )
    return new XMLSerializer().serializeToString(sheet)
  } finally {
    if (theme === undefined) delete root.dataset.theme
    else root.dataset.theme = theme
  }
}

/** A copy of a part of a drawing that looks the same without style sheets. */
function copyOf(element: Element): Element {
  const style = getComputedStyle(element)
  const copy = make(element.tagName, {})
  for (const name of SHAPE) {
    const value = element.getAttribute(name)
    if (value !== null) copy.setAttribute(name, value)
  }
  for (const [name, usual] of Object.entries(LOOKS)) {
    const value = plain(style.getPropertyValue(name))
    if (value !== usual) copy.setAttribute(name, value)
  }
  if (element.tagName === 'text') for (const name of TYPE) copy.setAttribute(name, style.getPropertyValue(name))
  for (const child of element.childNodes) {
    if (child instanceof Text) copy.append(child.data)
    else if (child instanceof Element && child.tagName !== 'title') copy.append(copyOf(child))
  }
  return copy
}

/** The boxes and words of an HTML element, placed relative to `origin`. */
function drawn(element: HTMLElement, origin: Box): Element {
  const style = getComputedStyle(element)
  const { left, top, width, height } = element.getBoundingClientRect()
  const zoom = element.currentCSSZoom ?? 1
  const [x, y] = [left - origin.left, top - origin.top]
  const after = getComputedStyle(element, '::after')
  const group = make('g', style.opacity === '1' ? {} : { opacity: style.opacity })
  if (isVisible(style.backgroundColor) || parseFloat(style.borderTopWidth) > 0) {
    const dashes = style.borderTopStyle === 'dashed' ? '4 3' : 'none'
    const stroke = parseFloat(style.borderTopWidth) > 0 ? plain(style.borderTopColor) : 'none'
    const rx = parseFloat(style.borderTopLeftRadius) * zoom
    group.append(make('rect', { x, y, width, height, rx, fill: plain(style.backgroundColor), stroke, 'stroke-dasharray': dashes }))
  }
  for (const child of element.childNodes) {
    if (child instanceof HTMLElement) group.append(drawn(child, origin))
    else if (child instanceof Text && child.data.trim()) {
      const words = rangeOf(child).getBoundingClientRect()
      const size = parseFloat(style.fontSize) * zoom
      const baseline = words.top - origin.top + words.height / 2 + size * 0.36
      const looks = { 'font-size': size, 'font-weight': style.fontWeight, fill: plain(style.color) }
      const sign = after.position === 'static' ? after.content.replace(/^none$|^normal$|"/g, '') : ''
      group.append(text(fitting(child.data.trim(), element) + sign, words.left - origin.left, baseline, looks))
    }
  }
  // How far a log is committed is a bar after a cell.
  if (after.position === 'absolute') {
    const bar = { x: x + width, y: y - 3, width: 4, height: height + 6, rx: 2 }
    group.append(make('rect', { ...bar, fill: plain(after.backgroundColor) }))
  }
  return group
}

/** The words of a text, without the space around them. */
function rangeOf(node: Text): Range {
  const range = document.createRange()
  range.setStart(node, node.data.search(/\S/))
  range.setEnd(node, node.data.trimEnd().length)
  return range
}

/** Words that are too long for their element end in an ellipsis, as on the page. */
function fitting(words: string, { clientWidth, scrollWidth }: HTMLElement): string {
  const isCut = clientWidth > 0 && scrollWidth > clientWidth
  return isCut ? words.slice(0, Math.floor((words.length * clientWidth) / scrollWidth) - 1) + '…' : words
}

function text(words: string, x: number, y: number, looks: Record<string, string | number>): Element {
  const element = make('text', { x, y, 'font-family': getComputedStyle(document.body).fontFamily, ...looks })
  element.append(words)
  return element
}

function make(name: string, attributes: Record<string, string | number>): Element {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, typeof value === 'number' ? String(Math.round(value * 100) / 100) : value)
  }
  return element
}

function isVisible(colour: string): boolean {
  return !/^rgba\(.*, 0\)$/.test(colour) && colour !== 'transparent'
}

/** A colour that every program knows: browsers write mixed ones as `color(srgb 0.9 0.5 0.1)`. */
function plain(colour: string): string {
  const mixed = /^color\(srgb ([\d.]+) ([\d.]+) ([\d.]+)(?: \/ ([\d.]+))?\)$/.exec(colour)
  if (!mixed) return isVisible(colour) ? colour : 'none'
  const [red, green, blue] = mixed.slice(1, 4).map((part) => Math.round(255 * Number(part)))
  return `rgb(${red}, ${green}, ${blue})`
}
