import type { Secret } from '../secret.ts';

export interface LogConfig {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly formatter: 'text' | 'json' | 'logstash';
  /** Go on every line. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly accessLog: boolean;
  readonly reportCaller: boolean;
}

export interface HealthConfig {
  readonly storageDriver: StorageCheck | undefined;
  /** Unhealthy while the file exists. */
  readonly files: readonly FileCheck[];
  readonly http: readonly HttpCheck[];
  readonly tcp: readonly TcpCheck[];
}

export interface StorageCheck {
  readonly interval: number;
  /** Failures in a row until it counts; at least 1. */
  readonly threshold: number;
}

export interface FileCheck {
  readonly file: string;
  readonly interval: number;
  readonly threshold: number;
}

export interface HttpCheck {
  readonly uri: string;
  readonly headers: Readonly<Record<string, readonly Secret[]>>;
  readonly statusCode: number;
  /** 0 is without limit. */
  readonly timeout: number;
  readonly interval: number;
  readonly threshold: number;
}

export interface TcpCheck {
  readonly host: string;
  readonly port: number;
  /** 0 is without limit. */
  readonly timeout: number;
  readonly interval: number;
  readonly threshold: number;
}

export interface NotificationsConfig {
  readonly includeReferences: boolean;
  /** Those that are not disabled. */
  readonly endpoints: readonly NotificationEndpoint[];
}

export interface NotificationEndpoint {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly Secret[]>>;
  readonly timeout: number;
  readonly threshold: number;
  readonly backoff: number;
  readonly ignoredMediaTypes: readonly string[];
  readonly ignoredActions: readonly string[];
}
