import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { createBreaker } from '../../../gateway/upstream/breaker.ts'
import type { Breaker, BreakerState } from '../../../gateway/upstream/breaker.ts'

/** The first rest is a second, a quarter more or less. */
const SOON = 700
const FIRST_REST = 1300

const answer = (breaker: Breaker, times = 1) => repeat(times, () => breaker.sent().succeeded())
const fail = (breaker: Breaker, times = 1) => repeat(times, () => breaker.sent().failed())

function repeat(times: number, act: () => void): void {
  for (let time = 0; time < times; time++) act()
}

function opened(): Breaker {
  const breaker = createBreaker()
  fail(breaker, 5)
  assert.equal(breaker.state(), 'open')
  return breaker
}

function onTrial(): Breaker {
  const breaker = opened()
  mock.timers.tick(FIRST_REST)
  assert.equal(breaker.state(), 'half-open')
  return breaker
}

describe('a breaker', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('opens after five failures with no answer between them', () => {
    const breaker = createBreaker()
    fail(breaker, 4)
    answer(breaker)
    fail(breaker, 4)
    assert.equal(breaker.state(), 'closed')
    fail(breaker)
    assert.equal(breaker.state(), 'open')
  })

  it('opens when half of the last twenty failed, and not a page before', () => {
    const breaker = createBreaker()
    repeat(9, () => (fail(breaker), answer(breaker)))
    answer(breaker)
    assert.equal(breaker.state(), 'closed', '9 of 19')
    fail(breaker)
    assert.equal(breaker.state(), 'open', '10 of 20')
  })

  it('stays closed for a server of whose pages three in ten fail', () => {
    const breaker = createBreaker()
    repeat(100, () => (fail(breaker, 3), answer(breaker, 7)))
    assert.equal(breaker.state(), 'closed')
  })

  it('forgets what was more than twenty pages ago', () => {
    const breaker = createBreaker()
    repeat(9, () => (fail(breaker), answer(breaker)))
    answer(breaker, 20)
    repeat(9, () => (fail(breaker), answer(breaker)))
    assert.equal(breaker.state(), 'closed')
  })

  it('rests for about a second, then lets a page try', () => {
    const breaker = opened()
    mock.timers.tick(SOON)
    assert.equal(breaker.state(), 'open')
    mock.timers.tick(FIRST_REST - SOON)
    assert.equal(breaker.state(), 'half-open')
  })

  it('closes when the trial is answered, with nothing held against the server', () => {
    const breaker = onTrial()
    answer(breaker)
    assert.equal(breaker.state(), 'closed')
    fail(breaker, 4)
    assert.equal(breaker.state(), 'closed')
  })

  it('rests twice as long after each trial that fails, and half a minute at most', () => {
    const breaker = onTrial()
    for (const rest of [2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      fail(breaker)
      assert.equal(breaker.state(), 'open')
      mock.timers.tick(rest * 0.74)
      assert.equal(breaker.state(), 'open', `after less than three quarters of ${rest} ms`)
      mock.timers.tick(rest * 0.52)
      assert.equal(breaker.state(), 'half-open', `after ${rest} ms and a quarter`)
    }
    answer(breaker)
    fail(breaker, 5)
    mock.timers.tick(FIRST_REST)
    assert.equal(breaker.state(), 'half-open', 'after an answer it rests for a second again')
  })

  it('closes at once when a page is answered that was sent while it was open, for want of another server', () => {
    const breaker = opened()
    answer(breaker)
    assert.equal(breaker.state(), 'closed')
    mock.timers.tick(60_000)
    assert.equal(breaker.state(), 'closed')
  })

  it('counts nothing of pages that were sent before it changed', () => {
    const breaker = createBreaker()
    const late = Array.from({ length: 20 }, () => breaker.sent())
    fail(breaker, 5)
    late[0]?.succeeded()
    assert.equal(breaker.state(), 'open', 'an answer from before it opened is no trial')
    mock.timers.tick(FIRST_REST)
    late[1]?.failed()
    assert.equal(breaker.state(), 'half-open', 'nor is a failure')
    answer(breaker)
    for (const page of late) page.failed()
    assert.equal(breaker.state(), 'closed')
  })

  it('forgets everything when another server may be there, late failures of the old one included', () => {
    const breaker = createBreaker()
    const late = Array.from({ length: 20 }, () => breaker.sent())
    fail(breaker, 4)
    breaker.reset()
    fail(breaker)
    assert.equal(breaker.state(), 'closed')
    for (const page of late) page.failed()
    assert.equal(breaker.state(), 'closed')
    const open = opened()
    open.reset()
    assert.equal(open.state(), 'closed')
    mock.timers.tick(60_000)
    assert.equal(open.state(), 'closed')
  })

  it('tells of every change, once', () => {
    const states: BreakerState[] = []
    const breaker = createBreaker({ onChange: (state) => states.push(state) })
    answer(breaker)
    fail(breaker, 6)
    mock.timers.tick(60_000)
    answer(breaker, 2)
    breaker.reset()
    assert.deepEqual(states, ['open', 'half-open', 'closed'])
  })
})
