/** What a registry does differently from the distribution specification 1.1. Sizes in bytes. */
export interface Quirks {
  /** A Content-Range PATCH beyond this answers 416. */
  readonly patchLimit?: number
  /** A PUT that carries more than this answers 413. */
  readonly putLimit?: number
  /** Any request body beyond this answers 413, as from a proxy. */
  readonly bodyLimit?: number
  readonly manifestLimit?: number
  /** Bodies without Content-Length answer CONTENT_LENGTH_INVALID. */
  readonly lengthRequired?: boolean
  /** Announced as OCI-Chunk-Min-Length; smaller pieces but the last answer 416. */
  readonly chunkMinLength?: number
  /** PATCH answers 201 instead of 202. */
  readonly patchCreated?: boolean
  /** The Range of every PATCH answer is that of the first one. */
  readonly staleRange?: boolean
  readonly refuseEmptyBlob?: boolean
  /** What a mount answers: `upload` opens an upload always, a number is that status. */
  readonly mount?: 'upload' | number
  /** GET of a blob redirects to another origin, which answers 400 when a credential comes along. */
  readonly blobRedirect?: boolean
  /** GET of a blob ignores Range. */
  readonly ignoreRange?: boolean
  /** A tag never moves; `identical` says whether the same manifest may be pushed again. */
  readonly immutable?: {
    readonly status: number
    readonly code: string
    readonly message: string
    readonly identical: 'refused' | 'accepted'
  }
  /** Two uploads of one blob into one repository at a time lose it. */
  readonly fragileUploads?: boolean
  /** Upload addresses: relative, or as this function makes them from the path. */
  readonly location?: 'relative' | ((path: string) => string)
  /** Whether PUT of a manifest with a subject answers OCI-Subject. */
  readonly subjectHeader?: boolean
  readonly referrers?:
    | 'api'
    | 'no route'
    | 'redirect elsewhere'
    | '401 without challenge'
    | '404 until there is one'
    | 'unknown to the registry'
  readonly filtersApplied?: boolean
  /** Entries on one page of referrers. */
  readonly referrersPage?: number
  /** A manifest with a subject answers 405. */
  readonly refuseSubject?: boolean
  /** The fallback tag resolves to the subject itself. */
  readonly referrersTagIsSubject?: boolean
  /** HEAD of a manifest has no digest and the type application/octet-stream. */
  readonly vagueHead?: boolean
  /** What GET and HEAD of a missing manifest answer; default 404. */
  readonly missingManifest?: number
  /** Further entries of every tag list. */
  readonly extraTags?: readonly unknown[]
  /** Entries on one page when the client names no `n`; undefined: all. */
  readonly tagPage?: number
  readonly largestN?: number
  readonly link?: 'absolute' | 'relative' | 'none'
  /** The tag list takes neither `n` nor `last`. */
  readonly noPaging?: boolean
  readonly catalog?: 'all' | { readonly status: number; readonly code: string }
  readonly delete?: boolean
  /** What DELETE of a tag does: nothing but refuse, or take its content along. */
  readonly deleteTag?: 'refused' | 'with its content'
}

/** Registries as they were met in practice. */
export const vendors = {
  plain: {},
  ghcr: {
    referrers: 'redirect elsewhere',
    delete: false,
    patchLimit: 4 * 1024 * 1024,
    tagPage: 100,
    catalog: { status: 404, code: 'UNSUPPORTED' },
    subjectHeader: false,
  },
  dockerHub: { catalog: { status: 401, code: 'UNAUTHORIZED' }, mount: 400 },
  ecr: {
    largestN: 1000,
    tagPage: 100,
    blobRedirect: true,
    staleRange: true,
    patchCreated: true,
    mount: 'upload',
    chunkMinLength: 5 * 1024 * 1024,
    immutable: {
      status: 400,
      code: 'TAG_INVALID',
      message: 'The image tag already exists and cannot be overwritten because the repository is immutable.',
      identical: 'refused',
    },
    referrers: 'no route',
    subjectHeader: true,
  },
  acr: { putLimit: 20 * 1024 * 1024, lengthRequired: true },
  gar: { refuseEmptyBlob: true, referrers: 'unknown to the registry', subjectHeader: false },
  harbor: {
    immutable: {
      status: 412,
      code: 'PRECONDITION',
      message: 'Failed to process request due to the configured immutable rule',
      identical: 'refused',
    },
    manifestLimit: 4 * 1024 * 1024,
    mount: 401,
    filtersApplied: true,
    subjectHeader: true,
  },
  oldHarbor: { referrers: '401 without challenge', subjectHeader: false },
  quay: { filtersApplied: true, subjectHeader: false, link: 'relative', tagPage: 50 },
  artifactory: {
    vagueHead: true,
    missingManifest: 403,
    extraTags: [`sha256:${'a'.repeat(64)}`],
  },
  nexus: { extraTags: [null] },
  zot: { manifestLimit: 4 * 1024 * 1024, filtersApplied: true, subjectHeader: true },
  distribution: {
    referrers: 'no route',
    subjectHeader: false,
    largestN: 1000,
    fragileUploads: true,
    mount: 'upload',
  },
  gitlab: { referrers: 'no route', subjectHeader: false, referrersTagIsSubject: true },
  gitea: { location: 'relative', link: 'none', tagPage: 50, referrers: 'no route', subjectHeader: false },
  ggcr: { referrers: '404 until there is one', subjectHeader: false },
} as const satisfies Record<string, Quirks>
