/** Returns by how many megabytes a piece of work raises the most memory that this process ever had. */
export async function peakGrowth(work: () => Promise<unknown>): Promise<number> {
  const before = process.resourceUsage().maxRSS
  await work()
  return (process.resourceUsage().maxRSS - before) / 1024
}
