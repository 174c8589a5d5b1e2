// The exercises in the page: answered rightly and wrongly, watched, and done by hand, from a file that needs no server.

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { serious } from './cluster'
import { PHONE, button, labInFile, type Options } from './lab-page'

describe('practice', () => {
  const lab = labInFile()

  /** Opens an exercise, for a learner who draws these mysteries and has not been here. */
  async function open(name: string, options: Options = {}): Promise<Page> {
    const context = await lab.browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => expect.fail(String(error)))
    await page.addInitScript(() => {
      localStorage['raft-course-results'] ??= JSON.stringify({ form: 'raft-course-results-1', learner: '', seed: 2, cards: {} })
    })
    await page.goto(`${lab.address}#learn=practice${name}`)
    await page.locator('main h1, section.lesson').first().waitFor()
    return page
  }

  const close = (page: Page) => page.context().close()
  const card = (page: Page) => page.locator('section.lesson')
  const status = (page: Page) => card(page).locator('p.status')
  const check = (page: Page, words: string) => card(page).getByRole('list', { name: 'What an answer must get right' }).locator('li', { hasText: words })
  const kept = (page: Page) => page.evaluate(() => JSON.parse(localStorage['raft-course-results']!).practice ?? {})

  /** Types an expression and has it graded, by keyboard. */
  async function answer(page: Page, expression: string) {
    await card(page).getByLabel('Your answer, as an expression').fill(expression)
    await page.keyboard.press('Enter')
  }

  /** Types a command. With the last one of an exercise, the place to type them goes. */
  async function does(page: Page, words: string) {
    await card(page).getByLabel('Command').fill(words)
    await page.keyboard.press('Enter')
    await expect.poll(() => card(page).getByLabel('Command').evaluateAll((all) => all.map((it) => (it as HTMLInputElement).value).join(''))).toBe('')
  }

  test('is offered on the front door of the course, and lists what was reached', async () => {
    const page = await open('/may-commit')
    await answer(page, 'true')
    await expect.poll(() => status(page).textContent()).toBe('4 of 10 points.')
    await page.goto(`${lab.address}#learn`)
    await page.getByText('1 exercise tried, 4 points').waitFor()
    await page.getByRole('link', { name: 'Continue to practise' }).click()
    await page.getByRole('heading', { name: 'Practice' }).waitFor()
    await page.locator('li', { hasText: 'May the leader commit this entry by counting?' }).getByText('4 of 10 points').waitFor()
    expect(await serious(page)).toEqual([])
    await page.goto(`${lab.address}#learn=practice/may-sing`)
    await page.getByRole('alert').getByText('There is no exercise may-sing.').waitFor()
    await close(page)
  })

  test('a right expression gets all points, and they stay', async () => {
    const page = await open('/may-commit')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('exercise-title')
    await answer(page, 'entry == current')
    await expect.poll(() => status(page).textContent(), { timeout: 60_000 }).toBe('10 of 10 points.')
    expect(await card(page).getByRole('img', { name: 'right', exact: true }).count()).toBe(3)
    expect(await kept(page)).toEqual({ 'may-commit': { points: 10, out_of: 10, tries: 1, answer: 'entry == current' } })
    expect(await serious(page)).toEqual([])
    // Another process of Chromium may read what was kept a little later.
    const later = await page.context().newPage()
    const best = async () => {
      await later.goto(lab.address)
      await later.goto(page.url())
      await card(later).getByRole('button', { name: 'Grade it' }).waitFor()
      return card(later).getByText('Your best: 10 of 10 points.').count()
    }
    await expect.poll(best).toBe(1)
    expect(await card(later).getByLabel('Your answer, as an expression').inputValue()).toBe('entry == current')
    await close(page)
  })

  test('a wrong expression is shown wrong in the lab, just before the promise breaks', async () => {
    const page = await open('/up-to-date')
    await answer(page, 'candidate.index >= own.index')
    await expect.poll(() => status(page).textContent()).toBe('5 of 10 points.')
    await check(page, 'In 1000 random runs').getByRole('img', { name: 'not tried' }).waitFor()
    await check(page, 'later term').getByText(/^Leader completeness/).waitFor()
    await check(page, 'later term').getByRole('button', { name: /^Watch it/ }).click()
    await page.getByText('You are looking at the past.').waitFor()
    expect(await page.locator('.notices').getByText('VIOLATED:').count()).toBe(0)
    while ((await page.locator('.notices').getByText('VIOLATED:').count()) === 0) await page.keyboard.press('ArrowRight')
    expect(await serious(page)).toEqual([])
    // The same run is in the lab's link, with the learner's answer.
    await button(page, 'Script…').click()
    await page.getByRole('dialog').getByText('up-to-date="candidate.index >= own.index"').waitFor()
    await page.keyboard.press('Escape')
    await button(page, 'Close the picture').click()
    expect(await card(page).getByLabel('Your answer, as an expression').inputValue()).toBe('candidate.index >= own.index')
    await close(page)
  })

  test('what is no expression is told with its column, and what can’t be computed is a wrong answer', async () => {
    const page = await open('/may-commit')
    await answer(page, 'entry == curent')
    await card(page).getByRole('alert').getByText('Column 10: there is no name `curent` here').waitFor()
    const caret = () => page.evaluate(() => (document.activeElement as HTMLInputElement).selectionStart)
    expect(await caret()).toBe(9)
    for (const broken of ['entry - current == 0', 'entry / (current - current) == 1']) {
      await answer(page, broken)
      await expect.poll(() => status(page).textContent(), { timeout: 60_000 }).toMatch(/^[0-8] of 10 points\.$/)
      await card(page).getByText(/^No server panics: n\d panicked: /).first().waitFor()
    }
    await card(page).getByRole('button', { name: /^Watch it/ }).first().click()
    await page.getByText('You are looking at the past.').or(page.locator('.notices').getByText('VIOLATED:')).first().waitFor()
    await page.keyboard.press('End')
    await page.locator('.notices').getByText('VIOLATED:').waitFor()
    await close(page)
  })

  test('a search can be stopped', async () => {
    const page = await open('/fits')
    await answer(page, 'own == prev.term')
    await button(page, 'Stop').click()
    await expect.poll(() => status(page).textContent()).toMatch(/^(Stopped: |$)/)
    await button(page, 'Grade it').waitFor()
    expect(await kept(page)).toEqual({})
    await close(page)
  })

  test('a mystery cluster hides its rule until the learner has named one', { timeout: 240_000 }, async () => {
    const page = await open('/mystery')
    const question = card(page).getByText('Which rule is off?')
    await question.waitFor({ timeout: 90_000 })
    expect(await card(page).getByRole('radio').count()).toBe(4)
    expect(await page.locator('.story .rule').count()).toBe(0)
    expect(await page.getByText('is OFF here').count()).toBe(0)
    expect(await page.locator('.story').textContent()).not.toContain('without=')
    expect(await serious(page)).toEqual([])
    await card(page).getByRole('radio', { name: /^majority-wins/ }).focus()
    await page.keyboard.press('Space')
    await card(page).getByRole('button', { name: 'This is my answer' }).press('Enter')
    await card(page).getByText('Right: majority-wins is off.').waitFor()
    expect(await page.evaluate(() => document.activeElement?.classList.contains('verdict'))).toBe(true)
    await page.getByText('majority-wins is OFF here').waitFor()
    await card(page).getByText('The last moment before the promise breaks').waitFor()
    expect((await kept(page))['mystery/1']).toEqual({ points: 1, out_of: 1, tries: 1, answer: 'majority-wins' })
    expect(await serious(page)).toEqual([])

    await button(page, 'Next mystery').click()
    await card(page).getByText('Mystery 2 of 10. So far 1 of 1 right.').waitFor()
    await question.waitFor({ timeout: 90_000 })
    const wrong = card(page).locator('label', { hasNotText: 'match-what-was-sent' }).getByRole('radio').first()
    await wrong.check()
    const chosen = await wrong.getAttribute('value')
    await button(page, 'This is my answer').click()
    await card(page).getByText(`No: match-what-was-sent is off, and you chose ${chosen}.`).waitFor()
    expect((await kept(page))['mystery/2']).toEqual({ points: 0, out_of: 1, tries: 1, answer: chosen })
    await page.goto(`${lab.address}#learn=practice`)
    await page.getByText('1 of 2 right').waitFor()
    await close(page)
  })

  test('a promise is broken with the learner’s own commands', async () => {
    const page = await open('/break/one-vote-per-term')
    await card(page).getByText('0 commands of at most 9, par is 3').waitFor()
    await page.getByText('one-vote-per-term is OFF here').waitFor()
    for (const words of ['timeout n2', 'timeout n1', 'deliver from=n1 to=n2']) await does(page, words)
    await card(page).getByText('You have broken one vote per term').waitFor()
    await card(page).getByText('10 of 10 points', { exact: true }).waitFor()
    expect((await kept(page))['break/one-vote-per-term']).toMatchObject({ points: 10, out_of: 10 })
    expect(await serious(page)).toEqual([])

    // Two commands that do nothing cost two points, and what breaks without them is still the best.
    await card(page).getByRole('button', { name: 'Start again' }).click()
    await card(page).getByText('0 commands of at most 9, par is 3').waitFor()
    for (const words of ['kill n1', 'restart n1']) await does(page, words)
    await card(page).getByText('2 commands of at most 9, par is 3').waitFor()
    for (const words of ['timeout n2', 'timeout n1', 'deliver from=n1 to=n2']) await does(page, words)
    await card(page).getByText('8 of 10 points', { exact: true }).waitFor()
    await card(page).getByText('Your best: 10 of 10 points.').waitFor()
    await card(page).getByRole('button', { name: 'Start again' }).click()
    await card(page).getByText('0 commands of at most 9').waitFor()
    for (let pair = 0; pair < 5; pair += 1) for (const words of ['kill n1', 'restart n1']) await does(page, words)
    await card(page).getByText('These are too many commands').waitFor()
    await close(page)
  })

  test('a cluster is saved with the learner’s own commands', async () => {
    const page = await open('/save/two-halves')
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
    const solution = ['mend n1 n3', 'mend n3 n1', 'timeout n1', 'settle']
    await card(page).getByText('0 commands of at most 8, par is 4').waitFor()
    await does(page, 'run 1ms')
    await card(page).getByText('This run can’t save the cluster any longer').waitFor()
    await button(page, 'Hint').press('Enter')
    await expect.poll(focused).toContain('Three of four must vote.')
    await button(page, 'Start again').press('Enter')
    await card(page).getByText('0 commands of at most 8').waitFor()
    // What saves it half is no solution, and one command more than par costs a point.
    await does(page, 'timeout n3')
    await does(page, 'settle')
    expect(await card(page).getByText('Saved:').count()).toBe(0)
    await button(page, 'Start again').click()
    for (const words of ['settle', ...solution]) await does(page, words)
    await card(page).getByText('Saved: 9 of 10 points.').waitFor()
    await expect.poll(focused).toContain('Saved: 9 of 10 points.')
    expect((await kept(page))['save/two-halves']).toEqual({ points: 9, out_of: 10, tries: 1, answer: ['settle', ...solution].join('\n') })
    await button(page, 'Start again').click()
    for (const words of solution) await does(page, words)
    await card(page).getByText('Saved: 10 of 10 points.').waitFor()
    await card(page).getByText('Why: With one more server each half has a majority').waitFor()
    expect(await serious(page)).toEqual([])
    await card(page).getByRole('link', { name: 'Next puzzle' }).click()
    await card(page).getByRole('heading', { name: 'Save the cluster: deaf-leader' }).waitFor()
    // A solution that is shown brings no points.
    await does(page, 'settle')
    await button(page, 'Show a solution').click()
    await card(page).getByText('The picture shows one way to do it').waitFor()
    expect((await kept(page))['save/deaf-leader']).toBeUndefined()
    await page.goto(`${lab.address}#learn=practice`)
    await page.locator('li', { hasText: 'two-halves' }).getByText('par 4, 10 of 10 points').waitFor()
    await close(page)
  })

  test('fits a phone, in light and in dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const name of ['', '/up-to-date', '/break/one-vote-per-term', '/save/two-halves']) {
        const page = await open(name, { ...PHONE, colorScheme })
        if (name.startsWith('/break')) await card(page).getByText('0 commands of at most 9, par is 3').waitFor()
        expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(390)
        expect(await serious(page), name).toEqual([])
        await close(page)
      }
    }
  })
})
