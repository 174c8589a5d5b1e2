// The course in the page: read, answered, watched and done, from a file that needs no server.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { cardsOf } from './chapters'
import { sentence, serious } from './cluster'
import { PHONE, button, labInFile, openLab, serveLab, type Options } from './lab-page'

describe('the course', () => {
  const lab = labInFile()

  /** Opens a place in the course, for a learner who has not been here. */
  async function open(place: string, options: Options = {}): Promise<Page> {
    const context = await lab.browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => expect.fail(String(error)))
    await visit(page, place)
    return page
  }

  async function visit(page: Page, place: string) {
    await page.goto(`${lab.address}#learn${place}`)
    await page.waitForFunction(() => {
      const shown = document.querySelector('.lesson [aria-current=step]')?.getAttribute('href')
      return location.hash.includes('/') ? shown === location.hash : !shown && document.querySelector('main h1') !== null
    })
  }

  const close = (page: Page) => page.context().close()
  const card = (page: Page) => page.locator('section.lesson')
  const answer = (page: Page, text: string) => card(page).locator('label', { hasText: text }).locator('input')
  const answerCalled = (page: Page, kind: string, text: string) =>
    card(page).locator('label', kind === 'logs' ? { has: page.getByLabel(`the log ${text}`, { exact: true }) } : { has: page.getByText(text.replaceAll('`', ''), { exact: true }) }).locator('input')
  const commit = (page: Page) => button(page, 'This is my answer').click()
  const row = (page: Page, text: string) => page.locator('.answers li', { hasText: text })
  const why = (page: Page) => card(page).getByText('Why:').waitFor()
  const leaders = (page: Page) => page.locator('[data-node].leader').evaluateAll((all) => all.map((it) => `n${(it as SVGElement).dataset.node}`).sort())

  /** Puts answers in this order, by keyboard. */
  async function sort(page: Page, items: readonly string[]) {
    const order = () => page.getByRole('button', { name: /^Up: / }).evaluateAll((all) => all.map((it) => it.getAttribute('aria-label')!.slice('Up: '.length)))
    for (const [place, item] of items.entries()) {
      while ((await order()).indexOf(item) > place) {
        await button(page, `Up: ${item}`).focus()
        await page.keyboard.press('Enter')
      }
    }
    expect(await order()).toEqual(items)
  }

  async function command(page: Page, words: string) {
    await card(page).getByLabel('Command').fill(words)
    await page.keyboard.press('Enter')
    await isDone(page)
  }

  /** Waits until a command is done. With the last one of a task, the place to write them goes. */
  async function isDone(page: Page) {
    await expect.poll(() => card(page).getByLabel('Command').evaluateAll((all) => all.map((it) => (it as HTMLInputElement).value).join(''))).toBe('')
  }

  test('has a front door: twelve chapters, a quiz before and after, and the way to the lab', async () => {
    const page = await open('')
    expect(await page.getByRole('link', { name: /^Begin: / }).count()).toBe(12)
    await page.getByText('0 of 5 · 10 min').first().waitFor()
    await page.getByRole('link', { name: /^Before the course/ }).waitFor()
    await page.getByRole('link', { name: /^After the course/ }).waitFor()
    await page.getByRole('link', { name: 'Go straight to the lab' }).click()
    await button(page, 'Pause').waitFor()
    await page.locator('header').getByRole('link', { name: 'Learn' }).click()
    await page.getByRole('link', { name: 'Begin: Two leaders at once' }).click()
    await card(page).getByRole('heading', { name: '5. Two leaders at once' }).waitFor()
    expect(page.url()).toContain('#learn=05-two-leaders/who-leads')
    await visit(page, '=99-byzantium/who-lies')
    await page.getByRole('alert').getByText('The course has no card 99-byzantium/who-lies').waitFor()
    await close(page)
  })

  test('is played to the end of a chapter by keyboard alone, with right answers', async () => {
    const page = await open('=05-two-leaders')
    /** Goes on with Tab until this is reached. */
    const reach = async (name: string) => {
      for (let stops = 0; stops < 80; stops += 1) {
        await page.keyboard.press('Tab')
        const reached = await page.evaluate(() => {
          const it = document.activeElement as HTMLInputElement
          return (it.getAttribute('aria-label') ?? it.closest('label')?.textContent ?? it.textContent ?? '').trim()
        })
        if (reached === name) return
      }
      throw new Error(`${name} can't be reached`)
    }
    const press = async (name: string, key = 'Enter') => {
      await reach(name)
      await page.keyboard.press(key)
    }
    for (const { kind, right, solution } of cardsOf('05-two-leaders/chapter.txt')) {
      await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('lesson-title')
      if (kind === 'task') {
        await reach('Command')
        for (const line of solution) {
          await page.keyboard.type(line)
          await page.keyboard.press('Enter')
          await isDone(page)
        }
        await why(page)
      } else {
        if (kind === 'one') {
          await page.keyboard.press('Tab')
          const radios = card(page).getByRole('radio')
          while ((await radios.evaluateAll((all) => all.indexOf(document.activeElement as HTMLElement))) < 0) await page.keyboard.press('Tab')
          while (!(await answer(page, right[0]!).isChecked())) await page.keyboard.press('ArrowDown')
        } else {
          const places = await Promise.all(right.map(async (text) => ({ text, place: await answer(page, text).evaluate((it) => [...document.querySelectorAll('.lesson input')].indexOf(it)) })))
          for (const { text } of places.sort((one, other) => one.place - other.place)) await press(text, ' ')
        }
        await press('This is my answer')
        await why(page)
        await card(page).getByText('Right.', { exact: true }).waitFor()
      }
      const next = card(page).getByRole('link', { name: /^Next (card|chapter)/ })
      await press((await next.textContent())!.trim())
    }
    await card(page).getByRole('heading', { name: '6. The log: append, match, repair' }).waitFor()
    await visit(page, '')
    await page.getByText('5 of 5 · 10 min').waitFor()
    await page.getByRole('link', { name: 'Again: Two leaders at once' }).waitFor()
    await close(page)
  })

  test('is played to its end, with right answers and the solutions of the tasks', { timeout: 300_000 }, async () => {
    const page = await open('')
    const chapters = await page.getByRole('link', { name: /^Begin: / }).evaluateAll((all) => all.map((it) => it.getAttribute('href')!.split('=')[1]!))
    for (const chapter of chapters) {
      for (const { id, kind, right, items, solution } of cardsOf(`${chapter}/chapter.txt`)) {
        await visit(page, `=${chapter}/${id}`)
        if (kind === 'task') {
          // Some are done before the last command.
          for (const line of solution) {
            const isTaken = await card(page).getByLabel('Command').fill(line, { timeout: 3000 }).then(() => true, () => false)
            if (!isTaken) break
            await page.keyboard.press('Enter')
            await isDone(page)
          }
        } else {
          if (kind === 'order') await sort(page, items)
          else for (const text of right) await answerCalled(page, kind, text).check()
          await commit(page)
          await card(page).getByText('Right.', { exact: true }).waitFor()
        }
        await why(page)
      }
    }
    await visit(page, '')
    expect(await page.getByRole('link', { name: /^Again: / }).count()).toBe(12)
    expect(await page.locator('.finished').count()).toBe(12)
    await close(page)
  })

  test('tells nothing before an answer, and then only when its world has been watched', async () => {
    const page = await open('=05-two-leaders/who-commits', { reducedMotion: 'no-preference' })
    expect(await button(page, 'This is my answer').isDisabled()).toBe(true)
    expect(await card(page).getByText('Why:').count()).toBe(0)
    await answer(page, 'Both').check()
    await commit(page)
    await card(page).getByText('You chose “Both”. Watch what happens.').waitFor()
    await button(page, 'Pause').waitFor()
    expect(await page.locator('.answers').count()).toBe(0)
    await button(page, 'Skip to the end').click()
    await card(page).getByText('Not right. Here is what happened:').waitFor()
    await row(page, 'Both').getByText('chosen, but wrong').waitFor()
    await page.locator('.said', { hasText: 'refused: expected log: 1 1, found: 1 2 2' }).waitFor()
    await row(page, 'Neither').getByRole('button', { name: /^Show/ }).click()
    await row(page, 'Neither').getByText('keeps them from going on').waitFor()
    await button(page, 'Answer again').click()
    // The focus comes when the world has begun again.
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('lesson-title')
    expect(await button(page, 'This is my answer').isDisabled()).toBe(true)
    await close(page)
  })

  test('shows that a server that was marked is no leader', async () => {
    const page = await open('=05-two-leaders/who-leads')
    // The picture does not give it away.
    expect(await leaders(page)).toEqual([])
    await page.locator('[data-node="3"] .body').click()
    expect(await answer(page, 'n3').isChecked()).toBe(true)
    await page.keyboard.press('1')
    expect(await answer(page, 'n1').isChecked()).toBe(true)
    await commit(page)
    await card(page).getByText('You were right about 1 of 3.').waitFor()
    await row(page, 'n3').getByText('voted for n2 and follows it').waitFor()
    await row(page, 'n2').getByText('right, but not chosen').waitFor()
    expect(await leaders(page)).toEqual(['n1', 'n2'])
    await close(page)
  })

  test('shows what does not make a leader step down', async () => {
    const page = await open('=05-two-leaders/n1-learns-it')
    await answer(page, 'Two seconds pass').check()
    await answer(page, 'n3 starts an election').check()
    await commit(page)
    await row(page, 'Two seconds pass').getByText('A leader has no election timer').waitFor()
    await row(page, 'n3 rejects').getByText('right, but not chosen').waitFor()
    await expect.poll(() => sentence(page).textContent()).toContain('n1 still thinks that it leads term 1')
    // The same world, in the learner's hands.
    await button(page, 'Continue from here in the lab').click()
    await page.getByText('Time stands still.').waitFor()
    await button(page, 'Heal the network').click()
    await button(page, 'Play').click()
    await expect.poll(() => sentence(page).textContent()).toBe('n2 leads term 2')
    await close(page)
  })

  test('shows how a marked entry is lost', async () => {
    const page = await open('=09-committed/which-entries')
    await page.locator('.cell.offered', { hasText: '2' }).first().click()
    expect(await answer(page, 'entry 2 (term 2)').isChecked()).toBe(true)
    expect(await page.locator('.cell.marked').count()).toBe(3)
    await commit(page)
    await row(page, 'entry 2 (term 2)').getByText('n5 then replaces the entry').waitFor()
    await expect.poll(() => sentence(page).textContent()).toBe('n5 leads term 5')
    expect(await page.locator('.strip').nth(1).locator('.cell.present b').allTextContents()).toEqual(['1', '3', '5'])
    await close(page)
  })

  test('lets the simulator say why a log can’t exist', async () => {
    const page = await open('=06-logs/which-logs')
    await card(page).locator('label', { has: page.getByLabel('the log 1 3 3 2') }).locator('input').check()
    await commit(page)
    await page.getByLabel('What the simulator says').getByText('refused: terms never fall along a log').waitFor()
    await page.locator('.answers li', { has: page.getByLabel('the log 1 1 2 2 5') }).getByText('right, but not chosen').waitFor()
    await close(page)
  })

  test('shows when the step that was misplaced happens', async () => {
    const page = await open('=02-first-election/five-steps')
    const { items } = cardsOf('02-first-election/chapter.txt').find(({ id }) => id === 'five-steps')!
    await sort(page, [items[1]!, items[0]!, ...items.slice(2)])
    await commit(page)
    await row(page, items[0]!).getByText('you had it in position 2').waitFor()
    await row(page, items[4]!).getByText('in the right position').waitFor()
    expect(await page.locator('.answers .text').first().textContent()).toContain(items[0])
    await close(page)
  })

  test('ticks off a task that is done by hand, and not one that is undone', async () => {
    const page = await open('=02-first-election/elect-n2')
    const checks = page.getByRole('list', { name: 'What must come about' })
    await expect.poll(() => checks.getByRole('img', { name: 'not yet' }).count()).toBe(1)
    expect(await button(page, 'Show a solution').isDisabled()).toBe(true)
    await button(page, 'Hint').click()
    await card(page).getByText('makes n2’s election timer run out').or(card(page).getByText("makes n2's election timer run out")).waitFor()
    await page.keyboard.press('2')
    await button(page, 'Time out now').click()
    await page.keyboard.press('Escape')
    await card(page).getByText('1 command so far').waitFor()
    expect(await card(page).getByText('Why:').count()).toBe(0)
    await button(page, 'Play').click()
    await why(page)
    expect(await checks.getByRole('img', { name: 'holds' }).count()).toBe(2)
    await expect.poll(() => sentence(page).textContent()).toBe('n2 leads term 1')
    await button(page, 'Start again').click()
    await expect.poll(() => checks.getByRole('img', { name: 'not yet' }).count()).toBe(1)
    await close(page)
  })

  test('keeps the place of who uses the keyboard when what was pressed has gone', async () => {
    const page = await open('=04-timers/a-cluster-around-the-world')
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
    const press = async (name: string) => {
      await expect.poll(() => button(page, name).isEnabled()).toBe(true)
      await button(page, name).focus()
      await page.keyboard.press('Enter')
    }
    await press('Hint')
    await expect.poll(focused).toContain('Hint:')
    await command(page, 'kill n1')
    await press('Show a solution')
    await expect.poll(focused).toContain('The picture shows one way to do it')
    await press('Start again')
    await expect.poll(focused).toContain('Its leader must stay')
    await command(page, 'cluster 3 latency=200ms election-timeout=1s..3s')
    await command(page, 'run 20s')
    await expect.poll(focused).toContain('Why:')
    await close(page)
  })

  test('jumps from the card to the picture, and back to the place for commands', async () => {
    const page = await open('=02-first-election/elect-n2')
    const focused = () => page.evaluate(() => document.activeElement!.getAttribute('aria-label') ?? document.activeElement!.textContent)
    expect(await focused()).toMatch(/^2\. .* Card \d of \d$/)
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('To the picture')
    expect((await button(page, 'To the picture').boundingBox())!.width).toBeGreaterThan(80)
    await page.keyboard.press('Enter')
    expect(await focused()).toMatch(/^n1 .*[^ ], log ends with entry/)
    await button(page, 'To the command field').focus()
    await page.keyboard.press('Enter')
    expect(await focused()).toBe('Command')
    await close(page)
  })

  test('says which server a key has marked', async () => {
    const page = await open('=05-two-leaders/who-leads')
    const status = page.getByRole('status')
    await page.keyboard.press('3')
    await status.getByText('n3 is marked.').waitFor({ state: 'attached' })
    await page.keyboard.press('3')
    await status.getByText('n3 is no longer marked.').waitFor({ state: 'attached' })
    await close(page)
  })

  test('explains commands, and shows how a refused one is written', async () => {
    const page = await open('=02-first-election/elect-n2')
    const said = card(page).locator('.said')
    await command(page, '?')
    await said.getByText('Enough for this task: settle, timeout').waitFor()
    await said.getByText('Servers and disks: crash, restart, kill').waitFor()
    await command(page, '? put')
    await said.getByText('put c1 x 7').waitFor()
    await command(page, 'help sing')
    await said.getByText('There is no command “sing”').waitFor()
    await card(page).getByLabel('Command').fill('timeout n')
    await button(page, 'Do it').click()
    await said.getByText('Example: timeout n1. “? timeout” explains it.').waitFor()
    const selected = () => page.evaluate(() => {
      const { value, selectionStart, selectionEnd } = document.activeElement as HTMLInputElement
      return value?.slice(selectionStart!, selectionEnd!)
    })
    expect(await selected()).toBe('timeout n')
    await close(page)
  })

  test('shows a solution after a try, and judges only the learner’s own cluster', async () => {
    const page = await open('=04-timers/a-cluster-around-the-world')
    await command(page, 'kill n1')
    await button(page, 'Show a solution').click()
    await card(page).getByText('cluster 3 latency=200ms election-timeout=2s..4s').waitFor()
    await page.locator('.command', { hasText: 'run 20s' }).waitFor()
    expect(await card(page).getByText('Why:').count()).toBe(0)
    await button(page, 'Start again').click()
    await command(page, 'cluster 3 latency=200ms election-timeout=1s..3s')
    await command(page, 'run 20s')
    await why(page)
    // A task with a world keeps it.
    await visit(page, '=09-committed/figure-8')
    await card(page).getByLabel('Command').fill('cluster 3')
    await page.keyboard.press('Enter')
    await card(page).getByText('this task has its own cluster').waitFor()
    await visit(page, '=09-committed/claim-it')
    for (const line of cardsOf('09-committed/chapter.txt').find(({ id }) => id === 'claim-it')!.solution) await command(page, line)
    await why(page)
    await close(page)
  })

  test('keeps progress over a reload, exports, deletes and imports it', async () => {
    const page = await open('=05-two-leaders/who-leads')
    await answer(page, 'n3').check()
    await commit(page)
    await why(page)
    await page.reload()
    await card(page).getByRole('link', { name: 'Card 1 of 5, done' }).waitFor()
    await visit(page, '')
    await page.getByText('1 of 5 · 10 min').waitFor()
    await page.getByLabel('Your name').fill('Ada')
    const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Export').click()])
    const file = join(lab.folder, 'progress.json')
    await download.saveAs(file)
    const results = JSON.parse(await readFile(file, 'utf8'))
    expect(results.learner).toBe('Ada')
    expect(results.cards['05-two-leaders/who-leads']).toMatchObject({ first: { chosen: ['n3'] }, tries: 1, is_done: true })
    await button(page, 'Delete…').click()
    await button(page, 'Yes, delete all of it').click()
    await page.getByText('1 of 5 · 10 min').waitFor({ state: 'detached' })
    await page.getByLabel('Progress file').setInputFiles(file)
    await page.getByText('Added: 1 result.').waitFor()
    await page.getByText('1 of 5 · 10 min').waitFor()
    await writeFile(join(lab.folder, 'other.json'), '{"form": "another"}')
    await page.getByLabel('Progress file').setInputFiles(join(lab.folder, 'other.json'))
    await page.getByText('the file has no results of the course').waitFor()
    await page.getByText('1 of 5 · 10 min').waitFor()
    await close(page)
  })

  test('scores a quiz, with the learner as the judge of words, and shows both side by side', async () => {
    const page = await open('=before')
    await page.getByRole('link', { name: 'Begin' }).click()
    for (const { kind, right } of cardsOf('quiz/before.txt')) {
      await card(page).getByRole('heading', { name: 'Before the course' }).waitFor()
      if (kind === 'text') await card(page).getByRole('textbox').fill('It keeps its log.')
      else for (const text of right) await answerCalled(page, kind, text).check()
      await commit(page)
      const next = card(page).getByRole('link', { name: /^(Next question|See your points)/ })
      // In a quiz nothing is told yet.
      await next.waitFor()
      expect(await next.evaluate((it) => it === document.activeElement)).toBe(true)
      if ((await next.textContent()) === 'Next question') expect(await card(page).getByText('Why:').count()).toBe(0)
      await next.click()
    }
    const total = page.getByRole('row', { name: /^Total/ })
    await total.waitFor()
    expect(await total.getByRole('cell').allTextContents()).toEqual(['60', '25', '–'])
    const first = page.getByRole('region', { name: 'Question 4' })
    await first.getByText('It keeps its log.').waitFor()
    await first.getByRole('checkbox').first().check()
    await first.getByRole('checkbox').nth(1).check()
    await expect.poll(() => total.getByRole('cell').allTextContents()).toEqual(['60', '28', '–'])
    await page.getByRole('link', { name: 'Question 2' }).click()
    await why(page)
    await row(page, 'entry 1 (term 1)').getByText('chosen, and right').waitFor()
    await row(page, 'entry 4 (term 3)').getByRole('button', { name: /^Show/ }).click()
    await expect.poll(() => sentence(page).textContent()).toBe('n2 leads term 4')
    await visit(page, '=after')
    await page.getByText('8 questions, 60 points, about 40 minutes').waitFor()
    await visit(page, '')
    await page.getByRole('row', { name: /^Total 60 28 –/ }).waitFor()
    await close(page)
  })

  test('says where an idea came up before', async () => {
    const page = await open('=07-next-index/old-heartbeat')
    await card(page).getByText('You met this idea in 5. Two leaders at once.').first().waitFor()
    await close(page)
  })

  test('works from a folder too, under the content policy of the program', async () => {
    const site = await serveLab('#learn')
    const page = await lab.browser.newPage({ reducedMotion: 'reduce' })
    const errors: string[] = []
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(site.address)
    await page.getByRole('link', { name: 'Begin: Two leaders at once' }).click()
    await answer(page, 'n1').check()
    await commit(page)
    await why(page)
    await page.goto(`${site.address}#lab`)
    await button(page, 'Pause').or(button(page, 'Play')).waitFor()
    expect(errors).toEqual([])
    await page.close()
    site.stop()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [where, options] of [['a desk', {}], ['a phone', PHONE]] as const) {
      test(`can be read and reached by all: ${where}, ${colorScheme}`, async () => {
        const page = await open('', { ...options, colorScheme })
        const look = async (what: string) => {
          expect(await serious(page), what).toEqual([])
          expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), what).toBeLessThanOrEqual(0)
        }
        await look('the chapters')
        for (const place of ['05-two-leaders/who-leads', '05-two-leaders/n1-learns-it', '05-two-leaders/who-commits', '09-committed/which-entries', '06-logs/one-cluster', '02-first-election/five-steps', 'before/what-is-lost']) {
          await visit(page, `=${place}`)
          await page.locator('[data-node]').first().waitFor()
          await look(place)
          const input = card(page).locator('label input').first()
          if (await input.count()) await input.check()
          const words = card(page).getByRole('textbox')
          if (await words.count()) await words.fill('Two leaders.')
          await button(page, 'This is my answer').scrollIntoViewIfNeeded()
          const box = (await button(page, 'This is my answer').boundingBox())!
          const bar = (await page.locator('footer').boundingBox())!
          expect(box.y + box.height, place).toBeLessThan(bar.y)
          await commit(page)
          await card(page).getByText(/^Why:|Next question/).first().waitFor()
          await look(`${place}, answered`)
        }
        await visit(page, '=11-disks/two-leaders-by-a-power-cut')
        await button(page, 'Hint').click()
        await look('a task')
        // A desk scrolls the controls; on a phone they push what is below them down.
        const overflow = (it: Element) => (getComputedStyle(it).overflowY === 'visible' ? it.scrollHeight - it.clientHeight : 0)
        expect(await page.getByLabel('Cluster controls').evaluate(overflow), 'controls cover what is below them').toBeLessThanOrEqual(0)
        await page.close()
      })
    }
  }

  for (const [where, options] of [['a desk', {}], ['a phone', PHONE]] as const) {
    test(`shows whole logs where there are only logs to see: ${where}`, async () => {
      const page = await open('=06-logs/one-cluster', options)
      await expect.poll(() => page.locator('.logs .strip').first().locator('.cell.present b').allTextContents()).toEqual(['1', '1', '1', '4', '4', '5', '5'])
      const widths = await page.locator('.logs .strip').first().locator('.cell.present').evaluateAll((all) => all.map((it) => it.scrollWidth - it.clientWidth))
      expect(Math.max(...widths)).toBeLessThanOrEqual(0)
      await close(page)
    })
  }

  for (const [width, height] of [[1280, 720], [1920, 1080]] as const) {
    test(`keeps its card on a projector, in large type: ${width} × ${height}`, async () => {
      const page = await open('=05-two-leaders/who-leads', { viewport: { width, height } })
      await answer(page, 'n1').check()
      await button(page, 'Projector').click()
      await page.locator('main.projector').waitFor()
      // What was chosen is still chosen.
      expect(await answer(page, 'n1').isChecked()).toBe(true)
      await commit(page)
      await why(page)
      const [shown, logs] = await Promise.all([card(page).boundingBox(), page.getByRole('region', { name: 'Logs' }).boundingBox()])
      expect(shown!.x + shown!.width, 'the card covers no logs').toBeLessThanOrEqual(logs!.x)
      expect(shown!.y + shown!.height, 'the card ends on the page').toBeLessThanOrEqual(height)
      expect(await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight])).toEqual([width, height])
      expect(await serious(page)).toEqual([])
      await close(page)
    })
  }

  test('shows a lab as before to those who do not learn', async () => {
    const page = await openLab(lab.browser, `${lab.address}#lab`)
    expect(await page.locator('section.lesson').count()).toBe(0)
    expect(await page.locator('[data-node]').count()).toBe(5)
    await page.close()
  })
})
