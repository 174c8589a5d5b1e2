import { svelte } from '@sveltejs/vite-plugin-svelte'
import { viteSingleFile } from 'vite-plugin-singlefile'
import { defineConfig } from 'vitest/config'

// One file with everything in it: the binary embeds it, and an exported trace can be mailed.
export default defineConfig({
  plugins: [svelte(), viteSingleFile({ removeViteModuleLoader: true })],
  // The engine is beside the page, and is built by crates/engine/build.
  build: { target: 'es2022', reportCompressedSize: false, emptyOutDir: false },
  // What a test waits for comes late on a busy machine.
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
})
