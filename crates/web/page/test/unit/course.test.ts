import { beforeAll, describe, expect, test } from 'vitest'
import { Course, linkToCourse, placeIn, questionOf, taskOf } from '../../src/source/course.svelte'
import type { Engine } from '../../src/source/engine'
import { isGivenAway, pictureOf } from '../../src/source/lesson.svelte'
import { scenarioOf } from '../../src/source/watched'
import { masked } from '../../src/source/mystery.svelte'
import { exerciseIn, linkToPractice, Practice, reachedIn } from '../../src/source/practice.svelte'
import { Judging } from '../../src/source/judging'
import { Progress } from '../../src/source/progress.svelte'
import { readLink } from '../../src/time/links'
import { engineOfTheBuild } from './engine'

/** What a browser keeps. */
function keeper(kept: Record<string, string> = {}) {
  return {
    kept,
    getItem: (key: string) => kept[key] ?? null,
    setItem: (key: string, value: string) => void (kept[key] = value),
  }
}

let engine: Engine
beforeAll(async () => {
  engine = await engineOfTheBuild()
})

const open = (kept = keeper()) => Course.open(engine, new Progress(kept))

describe('a place in the course', () => {
  test('is named by a link', () => {
    expect(placeIn(readLink('#learn').learn!)).toEqual({ chapter: null, card: null })
    expect(placeIn(readLink('#learn=05-two-leaders').learn!)).toEqual({ chapter: '05-two-leaders', card: null })
    expect(placeIn(readLink('#learn=05-two-leaders/who-leads').learn!)).toEqual({ chapter: '05-two-leaders', card: 'who-leads' })
    expect([linkToCourse(), linkToCourse('before'), linkToCourse('before', 'far-apart')]).toEqual(['#learn', '#learn=before', '#learn=before/far-apart'])
  })

  test('is the card that comes next, and knows where its idea came up', async () => {
    const course = await open()
    const chapter = course.chapterNamed('05-two-leaders')!
    expect(course.headingOf(chapter)).toBe('5. Two leaders at once')
    expect(course.nextToDo(chapter).id).toBe('who-leads')
    course.progress.note('05-two-leaders/who-leads', () => ({ is_done: true }))
    expect(course.nextToDo(chapter).id).toBe('who-commits')
    const again = course.cardNamed('07-next-index/old-heartbeat')!
    expect(course.metBefore(again).map(({ name }) => name)).toEqual(['05-two-leaders/who-leads', '05-two-leaders/n1-learns-it'])
    expect(course.cardNamed('05-two-leaders/no-such')).toBeNull()
    expect(course.cardNamed('')).toBeNull()
  })
})

describe('progress', () => {
  test('stays in the browser, in the form of an export', async () => {
    const kept = keeper()
    const course = await open(kept)
    const { seed } = course.progress.results
    course.progress.note('before/legal-logs', () => ({ first: { chosen: ['1 1 2 4'] }, tries: 1, is_done: true }))
    const again = await open(kept)
    expect(again.progress.results).toEqual({
      form: 'raft-course-results-1',
      learner: '',
      seed,
      cards: { 'before/legal-logs': { first: { chosen: ['1 1 2 4'] }, tries: 1, seconds: 0, is_done: true, commands: [] } },
    })
    expect(again.grades).toEqual({ shares: { 'before/legal-logs': 0.75 }, before: 3, after: null })
  })

  test('moves to another browser by a file, and takes its order of answers along', async () => {
    const [one, other] = [await open(), await open()]
    one.progress.note('after/far-apart', () => ({ first: { chosen: ['Election timeouts of 3 to 6 s'] }, is_done: true }))
    await other.addResults(JSON.stringify(one.progress.results))
    expect(other.progress.results).toEqual(one.progress.results)
    expect(other.grades.after).toBe(5)
    const card = one.cardNamed('after/far-apart')!
    expect(other.mixed(card)).toEqual(one.mixed(card))
    await other.forget()
    expect(other.progress.results.cards).toEqual({})
    expect(other.grades.after).toBeNull()
  })

  test('is kept where a file has something else for it', async () => {
    const [one, other] = [await open(), await open()]
    const first = (seconds: number) => () => ({ first: { chosen: ['Election timeouts of 3 to 6 s'] }, is_done: true, seconds })
    one.progress.note('after/far-apart', first(1))
    other.progress.note('after/far-apart', first(2))
    other.progress.note('before/legal-logs', first(3))
    one.progress.noteExercise('fits', { points: 5, out_of: 10, answer: 'true' })
    other.progress.noteExercise('fits', { points: 10, out_of: 10, answer: 'own == prev.term' })
    const { seed } = one.progress.results
    expect(await one.addResults(JSON.stringify(other.progress.results))).toBe(2)
    const { cards, practice } = one.progress.results
    expect([cards['after/far-apart']!.seconds, cards['before/legal-logs']!.seconds, practice!['fits']!.points]).toEqual([1, 3, 10])
    expect(one.progress.results.seed).toBe(seed)
    expect(await one.addResults(JSON.stringify(other.progress.results))).toBe(0)
  })

  test('is not taken from a file that is none', async () => {
    const course = await open()
    const before = course.progress.results
    for (const text of ['', 'n1', '[]', '{"form":"raft-course-results-2"}', JSON.stringify({ ...before, cards: { x: 7 } })]) {
      await expect(course.addResults(text), text).rejects.toThrow('the file has no results of the course')
    }
    expect(course.progress.results).toBe(before)
  })

  test('is not lost where the page is open in two tabs', () => {
    const kept = keeper()
    const [here, there] = [new Progress(kept), new Progress(kept)]
    here.note('before/legal-logs', () => ({ tries: 1 }))
    there.noteExercise('up-to-date', { points: 10, out_of: 10, answer: 'true' })
    here.note('before/legal-logs', ({ tries }) => ({ tries: tries + 1 }))
    const again = new Progress(kept)
    expect([again.of('before/legal-logs')?.tries, again.exercise('up-to-date')?.points]).toEqual([2, 10])
    here.forget()
    there.noteExercise('fits', { points: 3, out_of: 10, answer: 'false' })
    const { cards, practice } = new Progress(kept).results
    expect([cards, Object.keys(practice!)], 'what was deleted stays so').toEqual([{}, ['fits']])
  })

  test('begins again, and says so, where what was kept can’t be read', async () => {
    const damaged = JSON.stringify({ form: 'raft-course-results-1', learner: '', seed: 'seven', cards: {} })
    const course = await open(keeper({ 'raft-course-results': damaged }))
    expect(course.progress.results.cards).toEqual({})
    expect(course.progress.problem).toContain('can’t be read')
    expect(new Progress(null).problem).toContain('keeps nothing')
    const full = { ...keeper(), setItem: () => { throw new Error('full') } }
    const progress = new Progress(full)
    progress.note('before/legal-logs', () => ({ tries: 1 }))
    expect(progress.of('before/legal-logs')?.tries).toBe(1)
    expect(progress.problem).toContain('no room')
  })
})

test('a look at a run is over when another one begins', async () => {
  const seen: boolean[] = []
  const judging: Judging = new Judging(async (isOver) => {
    if (seen.length === 0) judging.beginAgain()
    seen.push(isOver())
  })
  await judging.again()
  expect(seen, 'it is made again').toEqual([true, false])
})

describe('the course', () => {
  test('mixes the answers, and in each browser always in the same way', async () => {
    const kept = keeper()
    const [course, again] = [await open(kept), await open(kept)]
    let moved = 0
    for (const chapter of course.chapters) {
      for (const card of chapter.cards.filter(questionOf)) {
        const placed = course.placed(chapter, card)
        const texts = course.mixed(placed).map(({ text }) => text)
        expect(texts).toEqual(again.mixed(placed).map(({ text }) => text))
        expect([...texts].sort()).toEqual(questionOf(card)!.answers.map(({ text }) => text).sort())
        if (texts[0] !== questionOf(card)!.answers[0]!.text) moved += 1
      }
    }
    expect(moved).toBeGreaterThan(20)
  })

  test('shows each question and each of its answers in the simulator', async () => {
    const course = await open()
    let watched = 0
    for (const chapter of [...course.chapters, ...course.quizzes]) {
      for (const card of chapter.cards) {
        const question = questionOf(card)
        if (!question) continue
        const picture = await engine.ask('film', { script: pictureOf(question).script })
        expect(picture.records.length, card.id).toBeGreaterThan(0)
        for (const answer of question.answers) {
          const { script, begin } = scenarioOf(question.world, answer.commands, isGivenAway(question))
          const film = await engine.ask('film', { script })
          const where = `${chapter.name}/${card.id}: ${answer.text}`
          if (film.records.length === 0) expect(film.setup.scenes.map(({ said }) => said).join(''), where).toContain('refused:')
          else expect(begin, where).toBeLessThan(film.setup.scenes.length)
          if (film.records.length > 0) watched += 1
        }
      }
    }
    expect(watched).toBeGreaterThan(200)
  })

  test('shows how each task can be done', async () => {
    const course = await open()
    for (const card of course.chapters.flatMap(({ cards }) => cards)) {
      const task = taskOf(card)
      if (!task) continue
      const { script, begin } = scenarioOf(task.world, task.solution)
      const { records, setup } = await engine.ask('film', { script })
      expect(records.length, card.id).toBeGreaterThan(setup.scenes[begin]!.before)
    }
  })
})

describe('what is watched', () => {
  test('begins after the world, or with the cluster that the answer starts', () => {
    const world = ['log n1 1', 'cluster 3', 'timeout n1']
    expect(scenarioOf(world, ['settle'])).toEqual({ script: 'log n1 1\ncluster 3\ntimeout n1\nsettle\n---\n', begin: 3 })
    expect(scenarioOf(world, ['settle'], true).begin).toBe(2)
    expect(scenarioOf(world, ['cluster 5', 'settle'])).toEqual({ script: 'cluster 5\nsettle\n---\n', begin: 1 })
    expect(scenarioOf(['log n1 1'], ['log n2 1', 'cluster 5', 'settle']).begin).toBe(3)
  })

  test('does not give the answer away', async () => {
    const course = await open()
    const question = (name: string) => questionOf(course.cardNamed(name)!.card)!
    const commits = question('05-two-leaders/who-commits')
    expect(isGivenAway(commits)).toBe(false)
    expect(pictureOf(commits).script).toContain('resume n1')
    const leads = question('05-two-leaders/who-leads')
    expect(isGivenAway(leads)).toBe(true)
    expect(pictureOf(leads).script).toBe('cluster 3\n---\n')
    expect(pictureOf(question('09-committed/which-entries')).script).toContain('log n5 1 3\ncluster 5\n')
  })
})

describe('practice', () => {
  test('has a place for each exercise', async () => {
    const practice = await Practice.open(engine, new Progress(keeper()))
    expect([exerciseIn('practice'), exerciseIn('practice/mystery'), exerciseIn('practice/break/majority-wins'), exerciseIn('practices'), exerciseIn('')]).toEqual(['', 'mystery', 'break/majority-wins', null, null])
    expect([linkToPractice(), linkToPractice('up-to-date')]).toEqual(['#learn=practice', '#learn=practice/up-to-date'])
    const titles = ['up-to-date', 'mystery', 'break/majority-wins'].map((name) => practice.exerciseNamed(name, null as never)?.title)
    expect(titles).toEqual(['Is the candidate\'s log at least as up to date as mine?', 'The mystery cluster', 'Break a promise without majority-wins'])
    expect(practice.exerciseNamed('break/everything', null as never)).toBeNull()
  })

  test('keeps the best answer, and the first one to a mystery', async () => {
    const kept = keeper()
    const course = await open(kept)
    const reached = (points: number, answer: string) => ({ points, out_of: 10, answer })
    course.progress.noteExercise('fits', reached(5, 'true'))
    course.progress.noteExercise('fits', reached(10, 'own == prev.term'))
    course.progress.noteExercise('fits', reached(2, 'false'))
    course.progress.noteExercise('mystery/1', { points: 0, out_of: 1, answer: 'majority-wins' }, 'first')
    course.progress.noteExercise('mystery/1', { points: 1, out_of: 1, answer: 'retry-forever' }, 'first')
    const again = await open(kept)
    expect(again.progress.results.practice).toEqual({
      fits: { points: 10, out_of: 10, answer: 'own == prev.term', tries: 3 },
      'mystery/1': { points: 0, out_of: 1, answer: 'majority-wins', tries: 2 },
    })
    expect(reachedIn(again.progress)).toEqual({ tried: 2, points: 10 })
    const practice = await Practice.open(engine, again.progress)
    expect([practice.mysteries, practice.nextMystery]).toEqual([{ answered: 1, right: 0 }, 2])
    const other = await open()
    await other.addResults(JSON.stringify(again.progress.results))
    expect(other.progress.results).toEqual(again.progress.results)
  })

  test('shows a mystery without what names its rule', async () => {
    const film = await engine.ask('film', { script: 'cluster 2 without=majority-wins\ntimeout n1\n---\n' })
    expect(JSON.stringify(film)).toContain('majority-wins')
    expect(JSON.stringify(masked(film, 'Mystery 1'))).not.toContain('majority-wins')
  })
})
