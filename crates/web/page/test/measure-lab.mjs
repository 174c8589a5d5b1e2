// How fast the lab is, and what it needs: `raft export --lab -o lab.html`, then `node test/measure-lab.mjs lab.html`. Figures of
// the last run are in docs/lab.md.

import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { framesASecond, launch } from './measuring.mjs'

const ROUNDS = 7
/** How many times slower than this machine: about as slow as a cheap phone. */
const THROTTLES = [1, 4]
/** The longest run, in seconds of the servers' time. */
const LONGEST = 600

const file = resolve(process.argv[2])
const browser = await launch()
try {
  console.log(`one file: ${((await stat(file)).size / 1e3).toFixed(0)} kB`)
  for (const throttle of THROTTLES) await measureStart(throttle)
  for (const throttle of THROTTLES) await measureFrames(throttle)
  await measureMemory()
} finally {
  await browser.close()
}

/** Opens the lab, on a processor that is so many times slower. */
async function open(throttle, fragment = '') {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: throttle })
  const asked = performance.now()
  await page.goto(`file://${file}${fragment}`)
  // Time passes: the engine has answered, and whatever is clicked now is done.
  await page.waitForFunction(() => parseFloat(document.querySelector('.moment')?.textContent ?? '0') > 0)
  return { page, interactive: performance.now() - asked }
}

async function measureStart(throttle) {
  const [paints, interactives] = [[], []]
  for (let round = 0; round < ROUNDS; round += 1) {
    const { page, interactive } = await open(throttle)
    paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime))
    interactives.push(interactive)
    await page.close()
  }
  console.log(`${throttle}× slower: first paint after ${spread(paints)} ms, time passes after ${spread(interactives)} ms`)
}

async function measureFrames(throttle) {
  const { page } = await open(throttle)
  await page.waitForFunction(() => /^n\d+ leads/.test(document.querySelector('[data-testid=sentence]').textContent))
  const slow = await framesASecond(page)
  await page.getByLabel('Speed').evaluate((slider) => {
    slider.value = '9'
    slider.dispatchEvent(new Event('input', { bubbles: true }))
    slider.dispatchEvent(new Event('change', { bubbles: true }))
  })
  const speed = await page.getByLabel('Speed').getAttribute('aria-valuetext')
  console.log(`${throttle}× slower: ${slow.toFixed(0)} frames a second at 1/20, ${(await framesASecond(page)).toFixed(0)} at ${speed}`)
  await page.close()
}

/** The whole tab, as the system sees it: page, engine and browser. */
async function measureMemory() {
  const { page } = await open(1)
  console.log(`${await residentSize(page)} MB at first`)
  await page.close()
  const script = `cluster 5 election-timeout=150ms..300ms heartbeat=50ms latency=10ms..20ms seed=7\nrun ${LONGEST - 1}s\n---\n`
  const begun = performance.now()
  const long = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  await long.goto(`file://${file}#lab=${await packed(script)}&at=1000000000`)
  await long.waitForFunction(() => /^n\d+ leads/.test(document.querySelector('[data-testid=sentence]')?.textContent ?? ''), null, { timeout: 300_000 })
  const took = performance.now() - begun
  console.log(`${await residentSize(long)} MB after ${LONGEST - 1} s of the servers' time, which were simulated and shown in ${(took / 1000).toFixed(1)} s`)
}

/** Megabytes of the largest tab. */
async function residentSize(page) {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('HeapProfiler.collectGarbage')
  const { processInfo } = await (await browser.newBrowserCDPSession()).send('SystemInfo.getProcessInfo')
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(async ({ id }) => {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1000
  })
  return Math.max(...(await Promise.all(sizes))).toFixed(0)
}

async function packed(script) {
  const stream = new Blob([script]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return Buffer.from(await new Response(stream).arrayBuffer()).toString('base64url')
}

function spread(values) {
  const sorted = values.toSorted((one, other) => one - other)
  return `${sorted[Math.floor(sorted.length / 2)].toFixed(0)} (${sorted[0].toFixed(0)} to ${sorted.at(-1).toFixed(0)})`
}
