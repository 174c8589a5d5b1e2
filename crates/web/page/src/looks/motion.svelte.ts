import { MediaQuery } from 'svelte/reactivity'

/** Does the reader want things to stand still? */
export const reducedMotion = new MediaQuery('(prefers-reduced-motion: reduce)')
