import type { VNode } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ReadingView, type Side } from '../pages/reading-view.tsx'
import type { Playground } from '../state/playground.ts'
import type { OpenDocument, PlaygroundState } from '../state/screen.ts'
import { CodeDialog } from './code-dialog.tsx'
import { EmptyScreen } from './empty-screen.tsx'
import { acceptedFiles } from './file-types.ts'
import { HelpDialog } from './help-dialog.tsx'
import { Incoming } from './incoming.tsx'
import { KeyDialog } from './key-dialog.tsx'
import { Notice } from './notice.tsx'
import { OptionsDialog } from './options-dialog.tsx'
import { fetchSample } from './sample.ts'
import { useShortcuts } from './shortcuts.ts'
import { ToolBar } from './tool-bar.tsx'
import { TopBar } from './top-bar.tsx'
import { usePlayground } from './use-playground.ts'

/** What may lie over the page. */
type Overlay = 'options' | 'code' | 'help' | null

interface AppProps {
  readonly playground: Playground
  /** Whether the gateway has Office documents, HTML and mail converted. */
  readonly readsOffice: boolean
}

/** The playground: documents in, pages and their Markdown beside each other. */
export function App({ playground, readsOffice }: AppProps): VNode {
  const state = usePlayground(playground)
  const [overlay, setOverlay] = useState<Overlay>(null)
  const [isSource, setSource] = useState(false)
  const sample = useSample(playground)
  const turner = useRef<((pages: number) => void) | null>(null)
  const chooser = useRef<HTMLInputElement>(null)
  const openFiles = useCallback((files: readonly File[]) => playground.open(files), [playground])
  const choose = (): void => chooser.current?.click()
  useShortcuts({
    o: choose,
    j: () => turner.current?.(1),
    k: () => turner.current?.(-1),
    s: () => setSource(!isSource),
    '?': () => setOverlay('help'),
  })
  const current = state.documents.find(({ id }) => id === state.current) ?? null
  useTitle(current?.file.name ?? null)
  const problem = state.problem?.message ?? sample.problem
  return (
    <>
      <TopBar
        playground={playground}
        state={state}
        onChoose={choose}
        onOptions={() => setOverlay('options')}
        onHelp={() => setOverlay('help')}
      />
      {problem !== null && (
        <GatewayProblem
          message={problem}
          onRetry={() => {
            sample.forget()
            void playground.connect()
          }}
        />
      )}
      {current === null ? (
        <EmptyScreen readsOffice={readsOffice} onChoose={choose} onSample={sample.open} />
      ) : (
        <DocumentScreen
          key={current.id}
          {...{ playground, turner, isSource }}
          document={current}
          onSource={setSource}
          onCode={() => setOverlay('code')}
        />
      )}
      <FileChooser accept={acceptedFiles(readsOffice)} chooser={chooser} onFiles={openFiles} />
      <Incoming onFiles={openFiles} />
      <Overlays {...{ playground, state, overlay }} onClose={() => setOverlay(null)} />
    </>
  )
}

/** Tells tabs apart. */
function useTitle(name: string | null): void {
  useEffect(() => {
    const before = document.title
    if (name !== null) document.title = `${name} · ${before}`
    return () => {
      document.title = before
    }
  }, [name])
}

interface Sample {
  readonly problem: string | null
  readonly open: () => void
  readonly forget: () => void
}

function useSample(playground: Playground): Sample {
  const [problem, setProblem] = useState<string | null>(null)
  const open = (): void => {
    fetchSample().then(
      (file) => playground.open([file]),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    )
  }
  return { problem, open, forget: () => setProblem(null) }
}

interface DocumentProps {
  readonly playground: Playground
  readonly document: OpenDocument
  readonly isSource: boolean
  readonly turner: { current: ((pages: number) => void) | null }
  readonly onSource: (isSource: boolean) => void
  readonly onCode: () => void
}

function DocumentScreen(props: DocumentProps): VNode {
  const { playground, document, isSource, turner, onSource, onCode } = props
  const [side, setSide] = useState<Side>('text')
  const show = (shown: Shown): void => {
    setSide(shown === 'pages' ? 'pages' : 'text')
    if (shown !== 'pages') onSource(shown === 'source')
  }
  return (
    <main class="work">
      <h1 class="unseen">{document.file.name}</h1>
      <ToolBar {...{ playground, document, isSource, onSource, onCode }} />
      <Notice playground={playground} document={document} />
      <ReadingView {...{ document, isSource, side, turner }} onSide={setSide} />
      <Sides shown={side === 'pages' ? 'pages' : isSource ? 'source' : 'text'} onShow={show} />
    </main>
  )
}

const SIDES = { pages: 'Pages', text: 'Text', source: 'Source' } as const
type Shown = keyof typeof SIDES

/** Chooses what is shown where there is no room for pages beside their text. */
function Sides({ shown, onShow }: { readonly shown: Shown; readonly onShow: (shown: Shown) => void }): VNode {
  return (
    <div class="sides choices" role="group" aria-label="Show">
      {(Object.keys(SIDES) as Shown[]).map((each) => (
        <button key={each} type="button" aria-pressed={each === shown} onClick={() => onShow(each)}>
          {SIDES[each]}
        </button>
      ))}
    </div>
  )
}

interface OverlaysProps {
  readonly playground: Playground
  readonly state: PlaygroundState
  readonly overlay: Overlay
  readonly onClose: () => void
}

function Overlays({ playground, state, overlay, onClose }: OverlaysProps): VNode | null {
  if (state.keyProblem !== null) return <KeyDialog playground={playground} state={state} />
  if (overlay === 'options') return <OptionsDialog playground={playground} state={state} onClose={onClose} />
  if (overlay === 'code') return <CodeDialog state={state} onClose={onClose} />
  return overlay === 'help' ? <HelpDialog onClose={onClose} /> : null
}

function GatewayProblem({ message, onRetry }: { readonly message: string; readonly onRetry: () => void }): VNode {
  return (
    <div class="notice" data-problem={true} role="alert">
      <p>{message}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}

interface ChooserProps {
  readonly accept: string
  readonly chooser: { current: HTMLInputElement | null }
  readonly onFiles: (files: readonly File[]) => void
}

/** The browser's own dialog. It is opened by buttons, and not shown itself. */
function FileChooser({ accept, chooser, onFiles }: ChooserProps): VNode {
  return (
    <input
      ref={chooser}
      type="file"
      multiple
      hidden
      accept={accept}
      aria-label="Files to read"
      onChange={({ currentTarget }) => {
        onFiles([...(currentTarget.files ?? [])])
        currentTarget.value = ''
      }}
    />
  )
}
