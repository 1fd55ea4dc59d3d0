import { expect, test } from 'vitest';
import type { Course } from '../src/app/cards/backend';
import { badge, day, details, filtered, percent } from '../src/app/cards/courses';
import answer from './answers/enrollments.json';

const [late, done] = answer.enrollments as [Course, Course];
const plain = (text: string) => text;
const ids = (courses: Course[]) => courses.map((course) => course.id);

test.each([
  ['all', ['2', '1']],
  ['open', ['2']],
  ['overdue', ['2']],
  ['required', ['2']],
  ['completed', ['1']],
] as const)('the filter %s', (filter, wanted) => {
  expect(ids(filtered([late, done], filter))).toEqual(wanted);
});

test.each([
  [{}, 'Overdue', 'danger'],
  [{ overdue: false }, 'In progress', 'info'],
  [{ overdue: false, result: 'pending_review' }, 'Pending review', 'warning'],
  [{ overdue: false, status: 'not_started' }, 'Not started', 'default'],
  [{ overdue: false, status: 'completed' }, 'Completed', 'success'],
  [{ overdue: false, status: 'completed', result: 'passed' }, 'Passed', 'success'],
  [{ overdue: false, status: 'completed', result: 'failed' }, 'Failed', 'warning'],
] as const)('the badge of %j', (changes, text, variant) => {
  expect(badge({ ...late, ...changes })).toEqual({ text, variant });
});

test.each([
  [{ progress_percent: 40.4 }, 40],
  [{ progress_percent: 140 }, 100],
  [{ progress_percent: -1 }, 0],
  [{ progress_percent: null }, 0],
  [{ progress_percent: null, status: 'completed' }, 100],
] as const)('the bar of %j', (changes, wanted) => {
  expect(percent({ ...late, ...changes })).toBe(wanted);
});

test('what stands below the name', () => {
  expect(details(late, plain)).toBe('Due 2026-10-31');
  expect(details(done, plain)).toBe(
    'Completed 2026-10-02T03:30:00+00:00 · Score 91.3% · Certificate Newcomer until 2027-10-02',
  );
  expect(details({ ...late, due_on: '' }, plain)).toBe('');
});

test('days are the account’s, dates without a time are nobody’s', () => {
  expect(day('2026-10-02T03:30:00+00:00', 'en', 'America/New_York')).toBe('Oct 1, 2026');
  expect(day('2026-10-31', 'en', 'America/New_York')).toBe('Oct 31, 2026');
  expect(day('2026-10-31', 'de', 'UTC')).toContain('2026');
  expect(day('2026-10-31', 'no_such_locale_at_all', 'Mars/Olympus')).toContain('2026');
  expect(day('', 'en', 'UTC')).toBe('');
  expect(day('soon', 'en', 'UTC')).toBe('');
});
