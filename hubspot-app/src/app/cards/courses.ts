// How a course reads: its words and colours, and which courses a filter shows. No components, so that it is easily tested.
import type { Course } from './backend';

export type Filter = 'all' | 'open' | 'overdue' | 'required' | 'completed';

export const FILTERS: { label: string; value: Filter }[] = [
  { label: 'All courses', value: 'all' },
  { label: 'Not finished', value: 'open' },
  { label: 'Overdue', value: 'overdue' },
  { label: 'Required', value: 'required' },
  { label: 'Completed', value: 'completed' },
];

const SHOWS: Record<Filter, (course: Course) => boolean> = {
  all: () => true,
  open: (course) => course.status !== 'completed',
  overdue: (course) => course.overdue,
  required: (course) => course.required,
  completed: (course) => course.status === 'completed',
};

export function filtered(courses: Course[], filter: Filter): Course[] {
  return courses.filter(SHOWS[filter]);
}

export interface Badge {
  text: string;
  variant: 'default' | 'info' | 'success' | 'warning' | 'danger';
}

export function badge(course: Course): Badge {
  if (course.overdue) return { text: 'Overdue', variant: 'danger' };
  if (course.result === 'pending_review') return { text: 'Pending review', variant: 'warning' };
  if (course.status === 'not_started') return { text: 'Not started', variant: 'default' };
  if (course.status === 'in_progress') return { text: 'In progress', variant: 'info' };
  if (course.result === 'failed') return { text: 'Failed', variant: 'warning' };
  return { text: course.result === 'passed' ? 'Passed' : 'Completed', variant: 'success' };
}

/** How far, from 0 to 100. A finished course without a number is whole. */
export function percent(course: Course): number {
  const known = course.progress_percent ?? (course.status === 'completed' ? 100 : 0);
  return Math.round(Math.min(100, Math.max(0, known)));
}

/** A day as the reader writes it. Days without a time are days everywhere, so they are not moved by a time zone. */
export function day(text: string, locale: string | undefined, timeZone: string): string {
  const moment = new Date(text);
  if (text === '' || Number.isNaN(moment.getTime())) return '';
  const zone = text.length === 10 ? 'UTC' : timeZone;
  const shape = { year: 'numeric', month: 'short', day: 'numeric' } as const;
  try {
    return moment.toLocaleDateString(locale?.replace('_', '-'), { ...shape, timeZone: zone });
  } catch {
    return moment.toLocaleDateString('en', { ...shape, timeZone: 'UTC' });
  }
}

export type Write = (text: string) => string;

/** What stands below a course's name: when it is due or was finished, score and certificate. */
export function details(course: Course, write: Write): string {
  const parts = [
    course.completed_at && `Completed ${write(course.completed_at)}`,
    course.status !== 'completed' && course.due_on && `Due ${write(course.due_on)}`,
    course.score_percent !== null && `Score ${Math.round(course.score_percent * 10) / 10}%`,
    certificate(course, write),
  ];
  return parts.filter(Boolean).join(' · ');
}

function certificate(course: Course, write: Write): string {
  if (course.certificate_name === '' && course.certificate_expires_on === '') return '';
  const until = course.certificate_expires_on && ` until ${write(course.certificate_expires_on)}`;
  return `Certificate ${course.certificate_name}`.trimEnd() + until;
}
