export interface HeartbeatTimes {
  /** Milliseconds between two beats. Default: 500. */
  readonly beatEvery: number;
  /** Milliseconds without a beat after which a holder is taken for dead. Default: 2000. */
  readonly watchFor: number;
  /** Milliseconds between two looks at somebody else's beats. Default: 100. */
  readonly lookEvery: number;
}

export const DEFAULT_HEARTBEAT: HeartbeatTimes = { beatEvery: 500, watchFor: 2000, lookEvery: 100 };

/** Calls `task` every so many milliseconds, without keeping the process alive. @returns what ends that */
export type Repeat = (task: () => void, milliseconds: number) => () => void;

export const repeatUnref: Repeat = (task, milliseconds) => {
  const timer = setInterval(task, milliseconds).unref();
  return () => clearInterval(timer);
};

/** What beats: shows, on the storage, that its holder is alive. */
export interface Heart {
  /** Never rejects. */
  beat(): Promise<void>;
}

/** One timer for all that is held; it runs only while something is. */
export class Heartbeats {
  readonly #repeat: Repeat;
  readonly #every: number;
  readonly #hearts = new Set<Heart>();
  readonly #beating = new Set<Heart>();
  #stop: (() => void) | undefined;

  constructor(repeat: Repeat, every: number) {
    this.#repeat = repeat;
    this.#every = every;
  }

  add(heart: Heart): void {
    this.#hearts.add(heart);
    this.#stop ??= this.#repeat(() => this.#beatAll(), this.#every);
  }

  remove(heart: Heart): void {
    this.#hearts.delete(heart);
    if (this.#hearts.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #beatAll(): void {
    for (const heart of this.#hearts) {
      if (this.#beating.has(heart)) continue;
      this.#beating.add(heart);
      void heart.beat().finally(() => this.#beating.delete(heart));
    }
  }
}
