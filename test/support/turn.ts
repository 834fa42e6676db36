import type { Turn } from '../../gateway/schedule/turn.ts'

/** Whose turn it is where that does not matter. */
export const someone: Turn = { lane: 'interactive', key: '', request: 'request-1' }
