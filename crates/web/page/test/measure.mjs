// How fast the page is: `RAFT=/path/to/raft node test/measure.mjs [SECONDS]` starts five servers with heartbeats every 15 ms,
// lets them run so long (60 s), and opens the page. Figures of the last run are in docs/page.md.

import { spawn } from 'node:child_process'
import { framesASecond, launch } from './measuring.mjs'

const before = Number(process.argv[2] ?? 60) * 1000

const raft = spawn(process.env.RAFT, ['up', '--plain', '--nodes', '5', '--heartbeat', '15ms'], { stdio: ['pipe', 'ignore', 'pipe'] })
const browser = await launch()
try {
  const address = await addressOf(raft)
  await new Promise((resolve) => setTimeout(resolve, before))
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  const asked = performance.now()
  await page.goto(address)
  await page.waitForFunction(() => /^n\d+ leads/.test(document.querySelector('[data-testid=sentence]')?.textContent ?? ''))
  const live = performance.now() - asked
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
  await page.waitForTimeout(2000)
  console.log(`first paint ${paint.toFixed(0)} ms, the cluster as it is now ${live.toFixed(0)} ms`)
  console.log(`${(await framesASecond(page)).toFixed(1)} frames a second`)
  const home = performance.now()
  await page.keyboard.press('Home')
  await page.waitForFunction(() => !/older heartbeats|loading/.test(document.querySelector('footer')?.textContent ?? ''))
  console.log(`all that was before read in ${(performance.now() - home).toFixed(0)} ms`)
  console.log(`${((await heap(page)) / 1e6).toFixed(0)} MB of heap, and a page of ${((await sizeOf(address)) / 1e3).toFixed(0)} kB`)
} finally {
  await browser.close()
  raft.kill('SIGINT')
}

function addressOf(child) {
  return new Promise((resolve, reject) => {
    let told = ''
    child.stderr.on('data', (chunk) => {
      told += chunk
      const found = /http:\/\/\S+token=[0-9a-f]+/.exec(told)
      if (found) resolve(found[0])
    })
    child.on('exit', () => reject(new Error(`raft has ended: ${told}`)))
  })
}

/** What the page's JavaScript needs, without what it no longer uses, in bytes. */
async function heap(page) {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  return (await session.send('Runtime.getHeapUsage')).usedSize
}

async function sizeOf(address) {
  return (await (await fetch(address)).arrayBuffer()).byteLength
}
