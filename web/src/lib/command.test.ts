import { expect, it } from 'vitest'
import { begunIn, commandIn, unescaped } from './command'

it.each([
  ['/roll 6', 'roll'],
  ['  /Roll', 'roll'],
  ['/note\nlong', 'note'],
  ['/etc/passwd is broken', undefined],
  ['//roll', undefined],
  ['/', undefined],
  ['/ roll', undefined],
  ['/1', undefined],
  ['and/or', undefined],
  [`/${'x'.repeat(33)}`, undefined],
])('%j is the command %j', (text, name) => expect(commandIn(text)).toBe(name))

it.each([
  ['/', ''],
  ['/Ro', 'ro'],
  ['/ro ', undefined],
  ['//', undefined],
  ['x /', undefined],
  ['', undefined],
])('of a name, %j is %j', (text, begun) => expect(begunIn(text)).toBe(begun))

it('takes two slashes for a message with one', () => {
  expect(unescaped('//roll')).toBe('/roll')
  expect(unescaped('/etc/passwd')).toBe('/etc/passwd')
  expect(unescaped('a // b')).toBe('a // b')
})
