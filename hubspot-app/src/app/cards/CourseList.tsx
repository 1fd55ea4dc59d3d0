// The courses of one person: a table in the tab, where there is room, a list in the sidebar.
import React, { useState } from 'react';
import {
  Flex,
  ProgressBar,
  Select,
  StatusTag,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableHeader,
  TableRow,
  Tag,
  Text,
} from '@hubspot/ui-extensions';
import type { Course, Everything } from './backend';
import { FILTERS, badge, details, filtered, percent } from './courses';
import type { Filter, Write } from './courses';

const PAGE = 10;

interface CourseListProps {
  everything: Everything;
  narrow: boolean;
  write: Write;
}

export function CourseList({ everything, narrow, write }: CourseListProps) {
  const [filter, setFilter] = useState<Filter>('all');
  const [page, setPage] = useState(1);
  const choose = (value: string | number | boolean) => {
    setFilter(value as Filter);
    setPage(1);
  };
  const rows = filtered(everything.enrollments, filter);
  const shown = rows.slice((page - 1) * PAGE, page * PAGE);
  return (
    <Flex direction="column" gap="small">
      <Summary everything={everything} />
      <Select label="Show" name="filter" value={filter} options={FILTERS} onChange={choose} />
      {rows.length === 0 && <Text>No course fits this filter.</Text>}
      <Table
        paginated
        page={page}
        pageCount={Math.max(1, Math.ceil(rows.length / PAGE))}
        onPageChange={setPage}
        density="condensed"
      >
        {!narrow && <Headings />}
        <TableBody>
          {shown.map((course) => (
            <Row key={`${course.portal}-${course.id}`} course={course} narrow={narrow} write={write} />
          ))}
        </TableBody>
      </Table>
      {everything.more && (
        <Text variant="microcopy">The newest 300 are shown. All of them are on the learner&apos;s page.</Text>
      )}
    </Flex>
  );
}

function Summary({ everything }: { everything: Everything }) {
  const { not_started, in_progress, completed, overdue } = everything.counts;
  return (
    <Flex direction="row" gap="small" wrap="wrap">
      {overdue > 0 && <StatusTag variant="danger">{`${overdue} overdue`}</StatusTag>}
      <StatusTag variant="info">{`${in_progress} in progress`}</StatusTag>
      <StatusTag variant="default">{`${not_started} not started`}</StatusTag>
      <StatusTag variant="success">{`${completed} completed`}</StatusTag>
    </Flex>
  );
}

function Headings() {
  return (
    <TableHead>
      <TableRow>
        <TableHeader>Course</TableHeader>
        <TableHeader>Status</TableHeader>
        <TableHeader>Progress</TableHeader>
      </TableRow>
    </TableHead>
  );
}

interface RowProps {
  course: Course;
  narrow: boolean;
  write: Write;
}

function Row({ course, narrow, write }: RowProps) {
  const parts = [<Name key="name" course={course} write={write} />, <State key="state" course={course} />];
  const bar = <Bar key="bar" course={course} />;
  if (narrow) {
    return (
      <TableRow>
        <TableCell>
          <Flex direction="column" gap="extra-small">
            {[...parts, bar]}
          </Flex>
        </TableCell>
      </TableRow>
    );
  }
  return (
    <TableRow>
      {[...parts, bar].map((part) => (
        <TableCell key={part.key}>{part}</TableCell>
      ))}
    </TableRow>
  );
}

function Name({ course, write }: { course: Course; write: Write }) {
  const below = details(course, write);
  return (
    <Flex direction="column" gap="flush">
      <Text format={{ fontWeight: 'demibold' }}>{course.course}</Text>
      <Text variant="microcopy">{below ? `${course.portal_name} · ${below}` : course.portal_name}</Text>
    </Flex>
  );
}

function State({ course }: { course: Course }) {
  const { text, variant } = badge(course);
  return (
    <Flex direction="row" gap="extra-small" wrap="wrap">
      <StatusTag variant={variant}>{text}</StatusTag>
      {course.required && <Tag>Required</Tag>}
    </Flex>
  );
}

function Bar({ course }: { course: Course }) {
  const label = `Progress in ${course.course}`;
  if (course.overdue) {
    return <ProgressBar aria-label={label} value={percent(course)} maxValue={100} showPercentage variant="danger" />;
  }
  return <ProgressBar aria-label={label} value={percent(course)} maxValue={100} showPercentage />;
}
