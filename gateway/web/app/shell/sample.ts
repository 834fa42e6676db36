/** Fetches the document that the gateway brings for those who have none. */
export async function fetchSample(): Promise<File> {
  const response = await fetch('sample.pdf').catch(() => null)
  if (response?.ok !== true) throw new Error('The gateway has no sample document.')
  return new File([await response.blob()], 'sample.pdf', { type: 'application/pdf' })
}
