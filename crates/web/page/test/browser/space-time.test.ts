// The servers as lanes along the time, and their messages as lines.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, newLeader, RAFT, serious, start, type Cluster } from './cluster'

const DESK = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }

describe.skipIf(!RAFT)('space and time', () => {
  let browser: Browser
  let folder: string
  let figure8: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    browser = await launch()
    const file = join(folder, 'figure-8.html')
    execFileSync(RAFT!, ['export', 'replication/figure-8', '-o', file], { stdio: 'ignore' })
    figure8 = `file://${file}`
  })

  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(address: string, viewport = DESK, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const page = await browser.newPage({ viewport, colorScheme, hasTouch: viewport === PHONE, reducedMotion: 'reduce' })
    page.on('pageerror', (error) => expect.fail(String(error)))
    await page.goto(address)
    return page
  }

  const drawing = (page: Page) => page.locator('.lanes > svg')
  const items = (page: Page) => page.locator('.lanes .item')
  const span = (page: Page) => page.locator('.bar .span').textContent()
  const why = (page: Page) => page.getByRole('region', { name: 'Why?' })

  /** The end of a scenario, and all of it in sight. */
  async function atTheEnd(page: Page) {
    await drawing(page).waitFor()
    await page.keyboard.press('End')
    for (let step = 0; step < 5; step += 1) await page.keyboard.press(',')
    await items(page).first().waitFor()
  }

  async function middle(item: Locator): Promise<{ x: number; y: number }> {
    const { x, y, width, height } = (await item.locator('.message').boundingBox())!
    return { x: x + width / 2, y: y + height / 2 }
  }

  test('takes the place of the ring, and the address remembers it', async () => {
    const page = await open(figure8)
    await page.locator('.ring').waitFor()
    await page.keyboard.press('v')
    await drawing(page).waitFor()
    expect(await page.locator('.ring').count()).toBe(0)
    expect(page.url()).toContain('space-time')
    await page.reload()
    await drawing(page).waitFor()
    await page.getByRole('button', { name: 'Ring' }).click()
    await page.locator('.ring').waitFor()
    expect(page.url()).not.toContain('space-time')
    await page.close()
  })

  test('begins at the moment that a link leads to', async () => {
    const page = await open(`${figure8}?space-time#scenario=replication/figure-8&at=n5:40`)
    await why(page).waitFor()
    const now = (await page.locator('.now').boundingBox())!
    const box = (await drawing(page).boundingBox())!
    expect(now.x).toBeGreaterThan(box.x)
    expect(now.x).toBeLessThan(box.x + box.width)
    await page.close()
  })

  test('shows lost messages, roles, a power cut and what is committed', async () => {
    const page = await open(`${figure8}?space-time`)
    await atTheEnd(page)
    expect(await page.locator('.item.lost .cross').count()).toBeGreaterThan(0)
    expect(await page.locator('.lane.leader').count()).toBeGreaterThan(1)
    await page.locator('.lanes text', { hasText: 'power cut' }).waitFor()
    await page.locator('.lanes text', { hasText: 'leads term 5' }).waitFor()
    await page.locator('.lanes text', { hasText: /^✓3$/ }).first().waitFor()
    expect(await drawing(page).getAttribute('aria-label')).toMatch(/^Space and time, from step \d+ to step \d+: \d+ messages, \d+ of them never arrive\. n5 leads term 5\./)
    await page.close()
  })

  test('tells a line that is pointed at, and asks why where one is chosen', async () => {
    const page = await open(`${figure8}?space-time`)
    await atTheEnd(page)
    const words = '→n5 AppendEntries reply term 5: yes, up to entry 3'
    const reply = items(page).and(page.getByRole('button', { name: words })).last()
    const at = await middle(reply)
    await page.mouse.move(at.x, at.y)
    await page.locator('p.told', { hasText: words }).waitFor()
    const place = (await reply.boundingBox())!.x
    await page.mouse.click(at.x, at.y)
    await why(page).getByRole('heading', { name: words }).waitFor()
    // The moment moves, the lines stay where they are, and what comes later is pale.
    expect((await reply.boundingBox())!.x).toBeCloseTo(place, 0)
    expect((await page.locator('.veil').boundingBox())!.x).toBeLessThan(at.x)
    await page.close()
  })

  test('is read and asked with the keyboard', async () => {
    const page = await open(`${figure8}?space-time`)
    await atTheEnd(page)
    const entrance = page.locator('.lanes .item[tabindex="0"]')
    await expect.poll(() => entrance.count()).toBe(1)
    await entrance.focus()
    const said = () => page.evaluate(() => document.activeElement!.getAttribute('aria-label'))
    const last = await said()
    await page.keyboard.press('ArrowUp')
    const before = await said()
    expect(before).not.toBe(last)
    expect(await page.locator('p.told').textContent()).toBe(before)
    await page.keyboard.press('ArrowDown')
    expect(await said()).toBe(last)
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await why(page).waitFor()
    await page.close()
  })

  test('is zoomed by keys, buttons and the wheel, and dragged to another time', async () => {
    const page = await open(`${figure8}?space-time`)
    await drawing(page).waitFor()
    await page.keyboard.press('End')
    expect(await span(page)).toBe('12 steps')
    await page.keyboard.press(',')
    expect(await span(page)).toBe('18 steps')
    await page.getByRole('button', { name: 'More detail' }).click()
    expect(await span(page)).toBe('12 steps')
    const box = (await drawing(page).boundingBox())!
    await page.mouse.move(box.x + box.width / 2, box.y + 20)
    await page.mouse.wheel(0, 300)
    await expect.poll(async () => parseInt((await span(page))!)).toBeGreaterThan(12)

    const range = () => drawing(page).getAttribute('aria-label')
    const before = await range()
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2 + 200, box.y + 20, { steps: 5 })
    await page.mouse.up()
    await expect.poll(range).not.toBe(before)
    // Dragging chooses nothing, and the moment on show is the same.
    expect(await why(page).count()).toBe(0)
    expect(await page.getByTestId('sentence').textContent()).toBe('n5 leads term 5')
    await page.close()
  })

  test('is moved and zoomed with fingers on a phone', async () => {
    const page = await open(`${figure8}?space-time`, PHONE, 'dark')
    await atTheEnd(page)
    const range = () => drawing(page).getAttribute('aria-label')
    const width = async () => Number(/step (\d+) to step (\d+)/.exec((await range())!)!.slice(1).reduce((from, to) => String(Number(to) - Number(from))))
    const box = (await drawing(page).boundingBox())!
    const client = await page.context().newCDPSession(page)
    const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: number[]) =>
      client.send('Input.dispatchTouchEvent', { type, touchPoints: points.map((x, id) => ({ x: box.x + x, y: box.y + 100, id })) })
    const before = await width()
    await touch('touchStart', 150, 200)
    for (const far of [10, 20, 40, 60]) await touch('touchMove', 150 - far, 200 + far)
    await touch('touchEnd')
    await expect.poll(width).toBeLessThan(before * 0.6)
    const was = await range()
    await touch('touchStart', 200)
    for (const far of [10, 30, 60]) await touch('touchMove', 200 + far)
    await touch('touchEnd')
    await expect.poll(range).not.toBe(was)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await page.close()
  })

  test('can be reached and read by all', async () => {
    for (const viewport of [DESK, PHONE]) {
      for (const theme of ['light', 'dark'] as const) {
        const page = await open(`${figure8}?space-time`, viewport, theme)
        await atTheEnd(page)
        expect(await serious(page), `${viewport.width}, ${theme}`).toEqual([])
        await page.keyboard.press('p')
        expect(await serious(page), `${viewport.width}, ${theme}, projector`).toEqual([])
        await page.close()
      }
    }
  })

  test('is saved as a picture that needs nothing else, with its title and its time', async () => {
    const page = await open(`${figure8}?space-time`, DESK, 'dark')
    await atTheEnd(page)
    const waiting = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save picture' }).click()
    const path = join(folder, 'lanes.svg')
    await (await waiting).saveAs(path)
    const svg = await readFile(path, 'utf8')
    expect(/>Figure 8: .*>step \d+ to step \d+; at step 64: n5 leads term 5</.test(svg)).toBe(true)
    expect(svg).toContain('leads term 5')
    expect(svg.includes('fill="rgb(245, 244, 240)"')).toBe(true)
    expect(/var\(|class=|href|color\(|NaN/.exec(svg)).toBeNull()
    await page.goto(`file://${path}`)
    expect(await page.locator('svg svg path').count()).toBeGreaterThan(10)
    await page.close()
  })

  describe('of a living cluster', () => {
    let cluster: Cluster

    beforeAll(async () => {
      cluster = await start('up', '--plain', '--nodes', '3', '--data', join(folder, 'data'), '--heartbeat', '50ms', '--election-timeout', '1s..2s')
    })

    afterAll(async () => {
      await cluster?.stop()
    })

    test('follows the present, with a kill and what clients ask', async () => {
      const page = await open(`${cluster.address}&space-time`)
      const leader = await newLeader(page)
      // Once the window is full, the present stays at its right edge.
      const box = (await drawing(page).boundingBox())!
      const now = async () => ((await page.locator('.now').boundingBox())!.x - box.x) / box.width
      await expect.poll(now).toBeGreaterThan(0.9)
      for (let step = 0; step < 8; step += 1) await page.keyboard.press(',')
      await page.getByRole('button', { name: 'Put', exact: true }).click()
      await page.locator('.item.client').nth(1).waitFor()
      await page.locator('.lanes text', { hasText: 'clients' }).waitFor()
      await page.keyboard.press('k')
      await page.locator('.lanes text', { hasText: 'killed' }).waitFor()
      await newLeader(page, leader)
      await page.locator('.lanes text', { hasText: /^leads term \d+/ }).last().waitFor()
      expect(await page.locator('.lane.dead').count()).toBe(1)
      await page.close()
    })

    test('draws heartbeats when they are wanted', async () => {
      const page = await open(`${cluster.address}&space-time`)
      await newLeader(page)
      expect(await page.locator('.lanes .routine').count()).toBe(0)
      await page.locator('.bar').getByLabel('heartbeats').check()
      await page.locator('.lanes .routine').first().waitFor()
      await page.close()
    })

    test('looks at the past when it is dragged, and opens a server', async () => {
      const page = await open(`${cluster.address}&space-time`)
      await newLeader(page)
      const box = (await drawing(page).boundingBox())!
      await page.mouse.move(box.x + 200, box.y + 30)
      await page.mouse.down()
      await page.mouse.move(box.x + 260, box.y + 30, { steps: 4 })
      await page.mouse.up()
      await page.getByText('You are looking at the past').waitFor()
      await page.locator('.lanes').getByRole('button', { name: /^n2 t/ }).click()
      await page.locator('.server-card').waitFor()
      await page.close()
    })
  })
})
