// What the programs that measure the page have in common.

import { chromium } from 'playwright-core'

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
}

/** Counts pictures for five seconds. */
export function framesASecond(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const begin = performance.now()
        let frames = 0
        requestAnimationFrame(function count(now) {
          frames += 1
          if (now - begin < 5000) requestAnimationFrame(count)
          else resolve((frames / (now - begin)) * 1000)
        })
      }),
  )
}
