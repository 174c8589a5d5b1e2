// A simulated cluster in the page, from a file that needs no server.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { pack } from '../../src/time/packed'
import { newLeader, sentence, serious } from './cluster'
import { CLUSTER, PHONE, button, labInFile, openLab, openStill, serveLab, standsStill, type Options } from './lab-page'

type Place = { readonly x: number; readonly y: number }

describe('the lab', () => {
  const lab = labInFile()

  const open = (hash: string, options: Options = {}) => openLab(lab.browser, lab.address + hash, options)
  const still = (servers: number, options: Options = {}) => openStill(lab.browser, lab.address, servers, options)
  const said = (page: Page, words: string) => page.locator('.note').getByText(words).waitFor()
  const branches = (page: Page) => page.getByRole('group', { name: 'Your runs' }).getByRole('button')
  const roles = async (page: Page) => (await page.locator('[data-node] .role').allTextContents()).map((words) => words.trim())
  const play = (page: Page) => button(page, 'Play').click()
  const script = async (page: Page) => {
    await button(page, 'Script…').click()
    const text = page.getByLabel('Script', { exact: true })
    await expect.poll(() => text.textContent()).toContain('cluster')
    const lines = (await text.textContent())!
    await page.keyboard.press('Escape')
    return lines
  }

  /** Lets one thing happen after the other until this can be seen. */
  async function stepUntil(page: Page, is: () => Promise<boolean>): Promise<void> {
    for (let step = 0; step < 200; step += 1) {
      if (await is()) return
      const before = Number(await page.getByLabel('Moment').inputValue())
      await page.keyboard.press('ArrowRight')
      // Several things may be due at the same time.
      await expect.poll(async () => (await is()) || Number(await page.getByLabel('Moment').inputValue()) >= before).toBe(true)
    }
    throw new Error('it has not come in 200 steps')
  }

  test('elects a leader by itself, slowly enough to be watched, and again after a kill', async () => {
    const page = await open('#lab')
    expect(await page.getByLabel('Speed').getAttribute('aria-valuetext')).toBe('1/20')
    const leader = await newLeader(page)
    await button(page, 'Kill the leader').click()
    await said(page, `▸ kill n${leader}`)
    await newLeader(page, leader)
    expect(await script(page)).toContain(`\nkill n${leader}\n`)
    await page.close()
  })

  test('waits for its reader: time stands still, and the next thing happens at a key', async () => {
    const page = await still(3)
    const moment = () => page.getByLabel('Moment').inputValue()
    const before = await moment()
    await page.keyboard.press('1')
    await button(page, 'Time out now').click()
    await said(page, '▸ timeout n1')
    expect(await moment()).toBe(before)
    await page.keyboard.press('Escape')
    await stepUntil(page, async () => (await sentence(page).textContent()) === 'n1 leads term 1')
    expect(Number(await moment())).toBeGreaterThan(Number(before))
    await page.close()
  })

  test('holds a vote in flight, keeps it in sight, and delivers it when asked', async () => {
    const page = await still(5)
    await page.keyboard.press('1')
    await button(page, 'Time out now').click()
    await page.keyboard.press('Escape')
    const votes = page.getByRole('button', { name: /RequestVote reply/ })
    await stepUntil(page, async () => (await votes.count()) > 0)
    await votes.first().click()
    const card = page.getByRole('dialog', { name: 'Message in flight' })
    await card.getByRole('button', { name: 'Hold' }).click()
    await said(page, '▸ hold from=')
    const held = page.getByRole('button', { name: /RequestVote reply.*, held:/ })
    await held.waitFor()
    await card.getByText('Held: it waits until you deliver it.').waitFor()
    await page.keyboard.press('Escape')
    // The other votes are enough.
    await play(page)
    await expect.poll(() => sentence(page).textContent()).toBe('n1 leads term 1')
    await button(page, 'Pause').click()
    await held.waitFor()
    await held.focus()
    await page.keyboard.press('Enter')
    await card.getByRole('button', { name: 'Deliver now' }).click()
    await said(page, '▸ deliver from=')
    await held.waitFor({ state: 'detached' })
    await card.waitFor({ state: 'detached' })
    await page.close()
  })

  test('opens messages in flight by a key, and drops, delays and duplicates them', async () => {
    const page = await still(3)
    await page.keyboard.press('1')
    await button(page, 'Time out now').click()
    await page.keyboard.press('Escape')
    const card = page.getByRole('dialog', { name: 'Message in flight' })
    const flights = page.locator('.ring circle[role=button]')
    await expect.poll(() => flights.count()).toBe(2)
    await page.keyboard.press('i')
    const first = await card.getByRole('heading').textContent()
    await card.getByRole('button', { name: 'Duplicate' }).click()
    await card.getByRole('heading', { name: '(×2)' }).waitFor()
    await page.keyboard.press('i')
    await expect.poll(() => card.getByRole('heading').textContent()).not.toContain(first!)
    const left = async () => Number(/in (\d+) ms/.exec((await card.locator('p').textContent())!)![1])
    const before = await left()
    await card.getByRole('button', { name: 'Delay 100 ms' }).click()
    await expect.poll(left).toBe(before + 100)
    await card.getByRole('button', { name: 'Drop' }).click()
    await expect.poll(() => flights.count()).toBe(1)
    expect(await script(page)).toMatch(/duplicate from=.*\n(run .*\n)?delay from=.* by=100ms\n(run .*\n)?lose from=/)
    await page.close()
  })

  test('splits the vote, and isolates the leader', async () => {
    const page = await still(3)
    await button(page, 'Split the vote').click()
    await said(page, '▸ timeout n1 n2 n3')
    await expect.poll(() => roles(page)).toEqual(['candidate', 'candidate', 'candidate'])
    await play(page)
    const leader = await newLeader(page)
    await button(page, 'Isolate leader').click()
    await said(page, `▸ partition n${leader}`)
    await expect.poll(() => page.locator('.link.cut').count()).toBe(2)
    await expect.poll(() => sentence(page).textContent()).toMatch(RegExp(`^n\\d leads term \\d; n${leader} still thinks`))
    await button(page, 'Heal the network').click()
    await expect.poll(() => page.locator('.link.cut').count()).toBe(0)
    await page.close()
  })

  test('writes to the store, and says what it can’t take', async () => {
    const page = await open(`#lab=${await pack(CLUSTER(3))}`)
    await newLeader(page)
    await page.getByLabel('Value', { exact: true }).fill('7')
    await button(page, 'Put').click()
    const outcome = page.locator('.outcome')
    await outcome.getByText(/^x = 7: (✓ done|the client waits)/).waitFor()
    await page.getByRole('list', { name: 'Clients' }).getByText('✓ done').waitFor()
    await outcome.getByText(/^x = 7: ✓ done/).waitFor()
    await page.getByLabel('Key', { exact: true }).fill('long')
    await button(page, 'Get').click()
    await page.locator('.outcome').getByText('a key is a single letter').waitFor()
    await page.close()
  })

  test('keeps the focus where what was pressed has gone, and an outcome until the next one', async () => {
    const page = await openStill(lab.browser, lab.address, 3)
    const focused = () => page.evaluate(() => document.activeElement!.textContent!.trim())
    const presses = async (name: string) => {
      await button(page, name).focus()
      await page.keyboard.press('Enter')
    }
    await page.keyboard.press('1')
    for (const [pressed, next] of [['Pause', 'Resume'], ['Resume', 'Pause'], ['Kill', 'Restart'], ['Restart', 'Kill']] as const) {
      await page.getByRole('dialog').getByRole('button', { name: pressed, exact: true }).press('Enter')
      await expect.poll(focused, { message: pressed }).toBe(next)
    }
    await page.keyboard.press('Escape')
    await presses('Next event →')
    await presses('Go on Space')
    await expect.poll(() => page.evaluate(() => document.activeElement!.className)).toContain('notices')
    await newLeader(page)
    await presses('Put')
    const outcome = page.locator('.outcome')
    await outcome.getByText(/^x = 1: ✓ done/).waitFor()
    expect(await focused()).toBe('Put')
    expect(await outcome.getAttribute('role')).toBe('status')
    await presses('Kill the leader')
    await expect.poll(() => button(page, 'Kill the leader').getAttribute('aria-disabled')).toBe('true')
    expect(await focused()).toBe('Kill the leader')
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('No server leads at the moment.').waitFor({ state: 'attached' })
    await page.locator('.note').waitFor({ state: 'detached' })
    await outcome.getByText(/^x = 1: ✓ done/).waitFor()
    await page.close()
  })

  test('goes another way from any moment of the past, and keeps the old way', async () => {
    const page = await open(`#lab=${await pack(CLUSTER(3))}`)
    const leader = await newLeader(page)
    await page.keyboard.press(' ')
    await button(page, 'Kill the leader').click()
    await said(page, `▸ kill n${leader}`)
    await page.keyboard.press('Home')
    await page.getByText('You are looking at the past.').waitFor()
    expect(await button(page, 'Split the vote').isEnabled()).toBe(false)
    await button(page, 'Continue from here').first().click()
    await standsStill(page).waitFor()
    await expect.poll(() => branches(page).count()).toBe(2)
    const other = leader === 1 ? 2 : 1
    await page.keyboard.press(String(other))
    await button(page, 'Time out now').click()
    await said(page, `▸ timeout n${other}`)
    await page.keyboard.press('Escape')
    await branches(page).getByText(`timeout n${other} at`).waitFor()
    expect(await script(page)).not.toContain('kill')
    await branches(page).getByText('the first run').click()
    await expect.poll(async () => (await roles(page))[leader - 1]).toBe('dead')
    expect(await script(page)).toContain(`kill n${leader}`)
    await page.close()
  })

  test('switches a rule off, stops when a promise breaks, explains it, and goes back to before it', async () => {
    const page = await still(3)
    await button(page, 'Rules…').click()
    const rules = page.getByRole('dialog', { name: 'The rules of Raft' })
    await rules.getByLabel('Search rules').fill('one-vote-per-term')
    await rules.getByRole('switch').click()
    await expect.poll(() => rules.getByRole('switch').isChecked()).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByText('one-vote-per-term is OFF here').waitFor()
    await button(page, 'Split the vote').click()
    await play(page)
    await page.locator('.notices .bad').getByText('VIOLATED').waitFor()
    const why = page.getByRole('region', { name: 'Why?' })
    await why.getByText('What was promised:').waitFor()
    await why.getByText('What it contradicts').waitFor()
    // It stands still by itself.
    await button(page, 'Play').waitFor()
    expect(await serious(page)).toEqual([])
    await button(page, 'Go back to just before it').click()
    await page.locator('.notices .bad').waitFor({ state: 'detached' })
    await page.keyboard.press('End')
    await button(page, 'Start again').click()
    await expect.poll(() => branches(page).count()).toBe(2)
    await expect.poll(() => page.locator('.notices .off').count()).toBe(0)
    await page.close()
  })

  test('goes back to before all promises that broke at once', async () => {
    const scenario = await readFile(new URL('../../../../../scenarios/without/commit-by-majority.txt', import.meta.url), 'utf8')
    const page = await open(`#lab=${await pack(scenario)}&at=45`)
    await page.locator('.notices .bad').getByText("VIOLATED: committed entries can't be lost").waitFor()
    await button(page, 'Go back to just before it').click()
    await page.locator('.notices .bad').waitFor({ state: 'detached' })
    await page.close()
  })

  test('does what there is to try first, at a click', async () => {
    const page = await still(3)
    const tips = page.getByRole('region', { name: 'Try this first' })
    const tip = (name: RegExp) => tips.getByRole('button', { name })
    const done = tips.locator('li.done')
    expect(await tip(/kill the leader/i).isEnabled()).toBe(false)
    await play(page)
    await newLeader(page)
    await tip(/kill the leader/i).click()
    await done.getByText('Kill the leader').waitFor()
    await newLeader(page)
    await tip(/split the vote/i).click()
    await done.getByText('Split the vote').waitFor()
    await expect.poll(() => tip(/isolate the leader/i).isEnabled()).toBe(true)
    await tip(/isolate the leader/i).click()
    await tips.getByText('You have tried all three').waitFor()
    expect(await script(page)).toMatch(/partition n\d\n(run \d+us\n)?put c1 x 1/)
    await page.close()
  })

  test('makes two leaders by hand while one vote a term is no rule', async () => {
    const page = await still(3)
    await button(page, 'Script…').click()
    for (const command of ['rule one-vote-per-term off', 'cut n1 n2', 'cut n2 n1', 'timeout n1', 'timeout n2']) {
      await page.getByLabel('Command').fill(command)
      await page.keyboard.press('Enter')
      await page.locator('.said').getByText(`▸ ${command}`).waitFor()
    }
    await page.keyboard.press('Escape')
    await play(page)
    // n3 voted twice: time stands still there, and goes on to what that leads to.
    await page.locator('.notices .bad').getByText('VIOLATED: one vote per term').waitFor()
    await play(page)
    await page.locator('.notices .bad').getByText('VIOLATED: election safety').waitFor()
    expect(await sentence(page).textContent()).toMatch(/n\d leads term 1; n\d leads term 1 too/)
    await page.close()
  })

  test('is the same run in another browser, at the same moment', async () => {
    const page = await open('#lab')
    const leader = await newLeader(page)
    await button(page, 'Kill the leader').click()
    await newLeader(page, leader)
    await page.keyboard.press(' ')
    await page.keyboard.press('PageUp')
    await page.getByText('You are looking at the past.').waitFor()
    await button(page, 'Copy link').click()
    await expect.poll(() => page.url()).toContain('#lab=')
    const other = await open(new URL(page.url()).hash)
    await other.getByText('You are looking at the past.').waitFor()
    expect(await sentence(other).textContent()).toBe(await sentence(page).textContent())
    expect(await other.getByLabel('Moment').inputValue()).toBe(await page.getByLabel('Moment').inputValue())
    expect(await script(other)).toBe(await script(page))
    expect(await trace(other)).toBe(await trace(page))
    await Promise.all([page.close(), other.close()])
  })

  /** The records of the run, as a file has them. */
  async function trace(page: Page): Promise<string> {
    await button(page, 'Script…').click()
    const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Save the trace').click()])
    const path = join(lab.folder, 'trace.jsonl')
    await download.saveAs(path)
    return readFile(path, 'utf8')
  }

  test('starts another cluster, and plays scenarios, from whose middle one can go on', async () => {
    const page = await still(3)
    await button(page, 'New…').click()
    const dialog = page.getByRole('dialog', { name: 'New cluster' })
    await dialog.getByLabel('Servers', { exact: true }).selectOption('4')
    await dialog.getByLabel('Longest election timeout').fill('100')
    await dialog.getByText('The first number of a range is the smaller one.').waitFor()
    expect(await dialog.getByRole('button', { name: 'Start' }).isEnabled()).toBe(false)
    await dialog.getByLabel('Longest election timeout').fill('300')
    await dialog.getByRole('button', { name: 'Start' }).click()
    // Four, and a spare one to add.
    await expect.poll(() => page.locator('[data-node]').count()).toBe(5)
    await newLeader(page)
    await button(page, 'Add server').click()
    await said(page, '▸ change add=n5')
    await page.goto(`${lab.address}#scenario=replication/figure-8`)
    await page.getByRole('region', { name: 'Narration' }).waitFor()
    await page.keyboard.press('End')
    const words = await sentence(page).textContent()
    await button(page, 'Continue in the lab').click()
    await standsStill(page).waitFor()
    expect(await sentence(page).textContent()).toBe(words)
    // Where things take time, they go slowly enough to be watched.
    await page.goto('about:blank')
    await page.goto(`${lab.address}#scenario=elections/no-quorum-no-leader`)
    expect(await page.getByLabel('Speed').getAttribute('aria-valuetext')).toBe('1/20')
    await page.close()
  })

  test('works from a folder too, under the content policy of the program', async () => {
    const folder = await serveLab()
    const page = await lab.browser.newPage()
    const errors: string[] = []
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(folder.address)
    await newLeader(page)
    await button(page, 'Scenarios…').click()
    await page.getByRole('link', { name: 'Figure 8' }).first().waitFor()
    expect(errors).toEqual([])
    await page.close()
    folder.stop()
  })

  test('says what is wrong with a link', async () => {
    const page = await lab.browser.newPage()
    await page.goto(`${lab.address}#lab=AAAA`)
    await page.getByRole('alert').getByText('The link is damaged').waitFor()
    await button(page, 'Start a new cluster').click()
    await newLeader(page)
    expect(page.url()).not.toContain('#')
    await page.goto('about:blank')
    await page.goto(`${lab.address}#lab=${await pack('cluster 3\nfrobnicate n1\n---\n')}`)
    await page.getByRole('alert').getByText('frobnicate').waitFor()
    await page.goto('about:blank')
    await page.goto(`${lab.address}#scenario=elections/nope`)
    await page.getByRole('alert').getByText('elections/nope').waitFor()
    await button(page, 'Start a new cluster').waitFor()
    for (const at of ['9999', 'n1:12']) {
      await page.goto('about:blank')
      await page.goto(`${lab.address}#lab=${await pack(CLUSTER(3))}&at=${at}`)
      await page.getByText(RegExp(`The link is to moment ${at}, but this run’s moments are the numbers from 0 to \\d+`)).waitFor()
    }
    await page.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`fits a phone, and can be used with a finger, ${colorScheme}`, async () => {
      const page = await still(5, { ...PHONE, colorScheme })
      const bar = (await page.locator('footer').boundingBox())!
      for (const place of ['[data-node="1"] .body', '[data-node="3"] .body', '.first-steps li:last-child']) {
        const box = (await page.locator(place).boundingBox())!
        expect(box.y).toBeGreaterThan(0)
        expect(box.y + box.height).toBeLessThan(bar.y)
      }
      await page.locator('[data-node="1"] .body').tap()
      await button(page, 'Time out now').tap()
      await page.getByRole('dialog', { name: 'Server n1' }).getByRole('button', { name: 'Close' }).tap()
      await page.getByRole('button', { name: /RequestVote/ }).first().tap()
      const card = page.getByRole('dialog', { name: 'Message in flight' })
      const hold = (await card.getByRole('button', { name: 'Hold' }).boundingBox())!
      expect(hold.height).toBeGreaterThanOrEqual(44)
      await card.getByRole('button', { name: 'Hold' }).tap()
      await card.getByText('Held').waitFor()
      expect(await serious(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
      await page.close()
    })
  }

  test('shows the words of small servers as a whole, also of one that is cut off', async () => {
    const script = 'cluster 5 spares=2 seed=7\ncut n2 n1\ncut n2 n3\ncut n2 n4\ncut n2 n5\n---\n'
    const page = await openLab(lab.browser, `${lab.address}#lab=${await pack(script)}`, PHONE)
    const words = page.locator('.ring text.role')
    await words.getByText('nonmember').first().waitFor()
    const boxes = await words.evaluateAll((all) => all.map((it) => ({ words: it.textContent, left: it.getBoundingClientRect().left, right: it.getBoundingClientRect().right })))
    for (const { words, left, right } of boxes) expect(left >= 0 && right <= 390, `${words}: ${left} to ${right}`).toBe(true)
    await page.close()
  })

  test('cuts a link with a finger: drawn from server to server, or tapped, while the page around them scrolls', async () => {
    const page = await still(3, PHONE)
    const devtools = await page.context().newCDPSession(page)
    const middle = async (place: string) => {
      const { x, y, width, height } = (await page.locator(place).boundingBox())!
      return { x: x + width / 2, y: y + height / 2 }
    }
    const draw = async (from: Place, to: Place) => {
      await devtools.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [from] })
      for (let part = 1; part <= 10; part += 1) {
        const between = (a: number, b: number) => a + ((b - a) * part) / 10
        await devtools.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: between(from.x, to.x), y: between(from.y, to.y) }] })
      }
      await devtools.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    }
    // Between n2 and n3 nothing but their line is below the finger.
    const [one, other] = [await middle('[data-node="2"] .body'), await middle('[data-node="3"] .body')]
    await page.touchscreen.tap((one.x + other.x) / 2, (one.y + other.y) / 2 - 12)
    await expect.poll(() => page.locator('.link.cut').count()).toBe(1)
    await draw(await middle('[data-node="1"] .body'), one)
    await expect.poll(() => page.locator('.link.cut').count()).toBe(2)
    expect(await page.evaluate(() => scrollY)).toBe(0)
    const corner = (await page.locator('.ring').boundingBox())!
    await draw({ x: corner.x + 12, y: corner.y + 150 }, { x: corner.x + 12, y: corner.y + 20 })
    await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(50)
    await page.close()
  })

  test('has no serious fault of accessibility in its dialogs', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await still(3, { colorScheme })
      for (const name of ['New…', 'Rules…', 'Script…']) {
        await button(page, name).click()
        await page.getByRole('dialog').waitFor()
        expect(await serious(page), name).toEqual([])
        await page.keyboard.press('Escape')
      }
      await page.keyboard.press('1')
      await page.getByText('Links', { exact: true }).click()
      expect(await serious(page)).toEqual([])
      await page.close()
    }
  })
})
