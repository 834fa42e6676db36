import { authorization } from './gateway.ts'
import { ConnectionLost, ProblemError, problemIn } from './problem.ts'

/** What is larger goes up as a file of its own, and its progress is seen; smaller documents stand in the request. */
export const MAX_INLINE_BYTES = 4 * 1024 * 1024

/** Stores a file in the gateway for an hour, its shortest time, and tells how far it is. `fetch` cannot tell. */
export async function sendFile(
  file: File,
  key: string | null,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const form = new FormData()
  form.append('purpose', 'user_data')
  form.append('expires_after[anchor]', 'created_at')
  form.append('expires_after[seconds]', '3600')
  form.append('file', file, file.name)
  const { status, text } = await post('v1/files', form, key, onShare, signal)
  if (status < 200 || status > 299) throw new ProblemError(problemIn(text, status))
  return (JSON.parse(text) as { readonly id: string }).id
}

function post(
  path: string,
  form: FormData,
  key: string | null,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const stop = (): void => request.abort()
    signal.addEventListener('abort', stop, { once: true })
    request.open('POST', path)
    for (const [name, value] of Object.entries(authorization(key))) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded, total }) => onShare(total > 0 ? loaded / total : 0))
    request.addEventListener('load', () => resolve({ status: request.status, text: request.responseText }))
    request.addEventListener('error', () => reject(new ConnectionLost('The gateway does not answer.')))
    request.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')))
    request.addEventListener('loadend', () => signal.removeEventListener('abort', stop))
    if (signal.aborted) stop()
    else request.send(form)
  })
}

/** The bytes of a file in base64. The browser encodes them off the tab's own thread. */
export function base64Of(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => {
      const url = reader.result as string
      resolve(url.slice(url.indexOf(',') + 1))
    })
    reader.addEventListener('error', () => reject(reader.error ?? new Error('The file cannot be read.')))
    reader.readAsDataURL(file)
  })
}
