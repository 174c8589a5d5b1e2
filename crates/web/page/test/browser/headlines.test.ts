// The story in headlines, slow motion, and the replay of what nobody slowed down: as someone meets them who has just begun.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, newLeader, RAFT, serious, start, type Cluster } from './cluster'

const SHOTS = process.env.SHOTS
/** Slow motion makes an election last for some seconds. */
const LONG = { timeout: 90_000 }

describe.skipIf(!RAFT)('the page of a new cluster', () => {
  let browser: Browser
  let cluster: Cluster
  let page: Page
  const errors: string[] = []

  beforeAll(async () => {
    // Long enough that a busy machine brings no elections by itself.
    ;[browser, cluster] = await Promise.all([launch(), start('up', '--plain', '--nodes', '3', '--election-timeout', '400ms..600ms')])
    page = await open(cluster.address)
    await newLeader(page)
  })

  afterAll(async () => {
    await browser?.close()
    await cluster?.stop()
  })

  async function open(address: string, colorScheme: 'light' | 'dark' = 'light', width = 1280, height = 800): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width, height }, colorScheme })
    opened.on('pageerror', (error) => errors.push(String(error)))
    await opened.goto(address)
    return opened
  }

  const headlines = (where: Page) => where.locator('.story .headline .words')
  const headline = (text: string | RegExp) => page.locator('.story .headline').filter({ hasText: text })
  const rerun = (where: Page) => where.getByText('Replay in slow motion of what just happened')

  async function restartDead() {
    await newLeader(page)
    await page.getByRole('button', { name: 'Restart dead servers' }).click()
    await page.locator('[data-node].dead').waitFor({ state: 'detached' })
  }

  test('tells its first election in a sentence', async () => {
    await headline(/^\s*\d\.\d+ s n1, n2 and n3 started\. After \d+ ms without a leader n\d asked .* and leads term \d/).waitFor()
    expect(await page.locator('.story .inside').count()).toBe(0)
  })

  test('slows down what is done on it, says so, and ends that by itself', LONG, async () => {
    const leader = await newLeader(page)
    expect(await page.getByLabel('slow motion').isChecked()).toBe(true)
    await page.getByRole('button', { name: 'Kill the leader', exact: true }).click()
    await page.getByText('Slow motion (1/20): watch what you did.').waitFor()
    await headline(`n${leader} was killed.`).waitFor()
    await expect.poll(() => page.locator('.speed b').textContent()).toBe('1/20')
    if (SHOTS) await page.screenshot({ path: join(SHOTS, 'slow-motion.png') })
    await newLeader(page, leader)
    await page.getByText('Slow motion (1/20)').waitFor({ state: 'detached', timeout: 30_000 })
    await expect.poll(() => page.locator('.speed b').textContent()).toBe('×1')
    await headline(/ was killed\. After \d+ ms without a heartbeat n\d asked .* and leads term \d/).first().waitFor()
    expect(await rerun(page).count()).toBe(0)
    await restartDead()
    await headline(`n${leader} was restarted.`).first().waitFor()
  })

  test('opens a headline into its events, and each event into its reason', async () => {
    const elected = headline('was killed').first().getByRole('button').first()
    await elected.focus()
    await page.keyboard.press('Enter')
    const event = page.locator('.story .inside button.line').filter({ hasText: 'Killed (SIGKILL)' })
    await event.waitFor()
    // What comes next in the story is not part of it.
    expect(await page.locator('.story .inside .words').allTextContents()).not.toContain('Start as a follower')
    await page.locator('.story .inside button.line').filter({ hasText: 'become the leader' }).first().click()
    await page.getByRole('region', { name: 'Why?' }).getByText('majority-wins').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('l')
    await elected.click()
    await event.waitFor({ state: 'detached' })
  })

  test('tells in the past only what was known then', async () => {
    const now = await headlines(page).count()
    const killed = headline('was killed').first()
    await killed.getByRole('button').first().click()
    await killed.getByRole('button', { name: 'Go to its beginning' }).click()
    const last = () => headlines(page).last().textContent()
    const isKilled = /^\s*n\d was killed\.\s*$/
    await expect.poll(last).toMatch(isKilled)
    const then = await headlines(page).count()
    expect(then).toBeLessThan(now)
    if (SHOTS) await page.screenshot({ path: join(SHOTS, 'headlines-then.png') })
    const events = page.locator('.story .inside .words')
    expect(await events.count()).toBe(1)
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => events.count()).toBe(2)
    await page.keyboard.press('PageDown')
    await expect.poll(() => headlines(page).count()).toBe(then + 1)
    await page.keyboard.press('PageUp')
    await expect.poll(last).toMatch(isKilled)
    // A mark above the bar does the same.
    await page.locator('.mark.election').first().click()
    await expect.poll(last).toMatch(/^\s*n\d started\.\s*$/)
    await page.keyboard.press('l')
    await expect.poll(() => headlines(page).count()).toBeGreaterThanOrEqual(now)
  })

  test('shows every event on request', async () => {
    await page.getByLabel('every event').check()
    await page.locator('.story .headline').first().waitFor({ state: 'detached' })
    await page.locator('.story button.line').first().waitFor()
    await page.getByLabel('every event').uncheck()
    await page.locator('.story .headline').first().waitFor()
  })

  test('replays an election that happened by itself, and comes back to live by itself', LONG, async () => {
    await newLeader(page)
    cluster.killLeader()
    await rerun(page).waitFor({ timeout: 30_000 })
    expect(await page.locator('.speed label').first().textContent()).toBe('Replay at 1/20')
    expect(await page.locator('.hands-panel .controls').getAttribute('inert')).not.toBeNull()
    if (SHOTS) await page.screenshot({ path: join(SHOTS, 'rerun.png') })
    await rerun(page).waitFor({ state: 'detached', timeout: 30_000 })
    await page.getByText('You are looking at the past').waitFor({ state: 'detached' })
    await restartDead()
  })

  test('leaves a replay by a key, and replays nothing where slow motion is off', LONG, async () => {
    await newLeader(page)
    cluster.killLeader()
    await rerun(page).waitFor({ timeout: 30_000 })
    await page.keyboard.press('Escape')
    await rerun(page).waitFor({ state: 'detached' })
    await restartDead()
    await page.keyboard.press('m')
    await page.getByText('Slow motion is off').waitFor()
    // The server says so a moment after it has answered.
    await expect.poll(() => page.getByLabel('slow motion').isChecked()).toBe(false)
    cluster.killLeader()
    await page.locator('[data-node].dead').waitFor()
    await newLeader(page)
    // The page has gone on for longer than it would have waited.
    const seconds = async () => parseFloat((await page.locator('footer .moment').textContent())!)
    const won = await seconds()
    await expect.poll(seconds, { timeout: 10_000 }).toBeGreaterThan(won + 1.5)
    expect(await rerun(page).count()).toBe(0)
    await page.getByLabel('slow motion').click()
    await page.getByText('Slow motion is on').waitFor()
    await restartDead()
  })

  test('tells the story so far in headlines to who comes late, on a phone too', async () => {
    const told = () => headlines(page).allTextContents()
    for (const [theme, width, height] of [['dark', 1280, 800], ['light', 390, 844]] as const) {
      const late = await open(cluster.address, theme, width, height)
      await expect.poll(async () => isDeepStrictEqual(await headlines(late).allTextContents(), await told())).toBe(true)
      expect(await serious(late)).toEqual([])
      const slow = (await late.locator('.speed .slow').boundingBox())!
      expect(slow.x + slow.width).toBeLessThanOrEqual(width)
      if (SHOTS) await late.screenshot({ path: join(SHOTS, `headlines-${width}.png`), fullPage: true })
      expect(await late.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
      await late.close()
    }
    expect(errors).toEqual([])
  })
})

describe.skipIf(!RAFT)('an exported file', () => {
  test('has its headlines in it, and tells none before its time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    const browser = await launch()
    try {
      const file = join(folder, 'election.html')
      execFileSync(RAFT!, ['export', 'elections/first-election', '-o', file], { stdio: 'ignore' })
      const page = await browser.newPage()
      await page.goto(`file://${file}`)
      await page.locator('.story').waitFor()
      expect(await page.locator('.headline').count()).toBe(0)
      await page.keyboard.press('End')
      await page.locator('.headline').getByText('n3 asked n1 and n2, got 2 of 3 votes and leads term 1.').waitFor()
      expect(await page.locator('.headline time').textContent()).toMatch(/^(step \d+|\d+\.\d+ s)$/)
    } finally {
      await browser.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
