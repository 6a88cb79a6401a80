import type { SettingName } from './settings.ts'

/** How hosts are spoken to: every command and action that reaches one takes these. */
export const network: readonly SettingName[] = [
  'concurrency',
  'requestsPerSecond',
  'connectTimeout',
  'timeout',
  'closingTimeout',
  'deadline',
  'retries',
  'retryDelay',
  'retryBackoff',
  'plainHttp',
  'insecure',
  'ca',
]

/** How packages are tested and packed. */
export const packing: readonly SettingName[] = [
  'compression',
  'shape',
  'allowDirty',
  'allowIrreproducible',
  'skipTests',
  'testCommand',
  'testTimeout',
]

/** Where and how artifacts are published. */
export const publishing: readonly SettingName[] = ['to', 'movingTags', 'allowOverwrite']
