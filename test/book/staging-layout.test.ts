import t from 'tap'

import { EntryType, Staging } from '../../lib/native/binding.js'
import { native } from '../../lib/native/load.js'
import { lastUsersType, lastUserType } from '../../lib/registry/user-types.js'

t.test('both sides of the staging area have the same layout', (t) => {
  t.strictSame({ ...native().stagingLayout.staging }, { ...Staging })
  t.end()
})

t.test('both sides have the same entry types', (t) => {
  t.strictSame({ ...native().stagingLayout.entryTypes }, { ...EntryType })
  t.end()
})

t.test('both sides give users the same user types', (t) => {
  t.strictSame({ ...native().stagingLayout.userTypes }, { lastUsersType, lastUserType })
  t.end()
})
