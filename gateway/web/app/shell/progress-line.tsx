import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { counted, timeInWords } from '../pages/wording.ts'
import { isBusy, progressOf, standingOf, type Phase, type Reading } from '../state/reading.ts'
import { useTicks } from './use-playground.ts'

/** Tells how far a reading is. */
export function ProgressLine({ reading }: { readonly reading: Reading }): VNode {
  const isGoing = isBusy(reading)
  useTicks(isGoing)
  const { read, total } = progressOf(reading)
  const value = reading.phase === 'sending' ? reading.sent : total === null ? undefined : read / Math.max(1, total)
  return (
    <div class="progress">
      {isGoing && <progress aria-label="Progress" max={1} {...(value === undefined ? {} : { value })} />}
      <p>{progressWords(reading)}</p>
      <Announcement text={progressWords(reading, true)} isUrgent={!isGoing} />
    </div>
  )
}

/** Says how far a reading is. What is announced leaves out what changes all the time. */
function progressWords(reading: Reading, isShort = false): string {
  const { read, total } = progressOf(reading)
  const pages = total === null ? counted(read, 'page') : `${read.toLocaleString('en')} of ${counted(total, 'page')}`
  const words: Readonly<Record<Phase, () => readonly string[]>> = {
    waiting: () => ['Waits for its turn'],
    sending: () => [reading.sent > 0 && !isShort ? `Sending, ${Math.round(reading.sent * 100)} %` : 'Sending'],
    reading: () => [total === null && read === 0 ? 'Opening' : `${pages} read`, ...(isShort ? [] : rateWords(reading))],
    done: () => [`${counted(reading.pages.length, 'page')} in ${tookWords(reading)}`, ...troubles(reading)],
    stopped: () => [`Cancelled. ${pages} read`],
    refused: () => ['Not read'],
    lost: () => [`The connection broke. ${pages} read`],
  }
  return words[reading.phase]().join(' · ')
}

function rateWords(reading: Reading): string[] {
  const { pagesPerSecond, secondsLeft } = progressOf(reading)
  return [
    ...(pagesPerSecond === null ? [] : [`${pagesPerSecond.toFixed(1)} pages a second`]),
    ...(secondsLeft === null || secondsLeft < 1 ? [] : [`about ${timeInWords(secondsLeft)} left`]),
  ]
}

function tookWords({ startedAt, arrivals }: Reading): string {
  const seconds = ((arrivals.at(-1) ?? startedAt) - startedAt) / 1000
  return seconds < 90 ? `${seconds.toFixed(1)} s` : timeInWords(seconds)
}

function troubles({ pages }: Reading): string[] {
  const counts = Map.groupBy(pages, standingOf)
  return (['repaired', 'fallback', 'failed', 'pending'] as const).flatMap((standing) => {
    const count = counts.get(standing)?.length ?? 0
    return count === 0 ? [] : [`${count} ${standing}`]
  })
}

const ANNOUNCE_MILLISECONDS = 5000

/** Says a text to screen readers, and another one only after a while. */
function Announcement({ text, isUrgent }: { readonly text: string; readonly isUrgent: boolean }): VNode {
  const [said, say] = useState('')
  const latest = useRef(text)
  latest.current = text
  useEffect(() => {
    if (isUrgent) say(text)
  }, [text, isUrgent])
  useEffect(() => {
    say(latest.current)
    const timer = setInterval(() => say(latest.current), ANNOUNCE_MILLISECONDS)
    return () => clearInterval(timer)
  }, [])
  return (
    <p class="unseen" role="status" aria-live="polite">
      {said}
    </p>
  )
}
