const { PATH, HOME, NODE_COMPILE_CACHE } = process.env

/**
 * What a program that a test starts knows of this process's environment: where programs are, its user's folder, and where Node
 * keeps what it has compiled (half of the time that a gateway takes to start).
 */
export const cleanEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ PATH, HOME, NODE_COMPILE_CACHE }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  ),
)
