/** Returns the time, in seconds, as what is known of files has it. */
export const nowInSeconds = (): number => Math.floor(Date.now() / 1000)
