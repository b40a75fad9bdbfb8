import { One } from '@psa/contracts/common';
import {
  IcsHolidays,
  MOST_HOLIDAY_YEARS,
  PublicHoliday,
  PublicHolidaysQuery,
  ReadIcsQuery,
} from '@psa/contracts/holidays';
import { isTimeZone } from '@psa/contracts/time-zones';
import type { App } from '@psa/service-kit/app';
import { AppError, invalid } from '@psa/service-kit/errors';
import Type from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { NoCalendar, readIcs, TooMuch } from './ics.ts';
import { icsText } from './ics-lines.ts';
import { publicHolidays } from './public-holidays.ts';

const tags = ['desk'];
/** A calendar keeps no more. */
const MOST_HOLIDAYS = 1000;

/** Days off that a calendar can be given: by region, or out of a file. Nothing is kept; the calendar takes what one chooses. */
export async function holidayRoutes(parent: App, deps: TicketsDeps): Promise<void> {
  const yearsOf = ({ from, to }: { from?: number; to?: number }) => {
    const begin = from ?? deps.clock.now().getUTCFullYear();
    const end = to ?? begin + 2;
    if (end < begin || end - begin >= MOST_HOLIDAY_YEARS) {
      throw invalid({
        field: 'to',
        code: 'contradicts',
        message: `must be at most ${MOST_HOLIDAY_YEARS - 1} years after from, and not before it`,
      });
    }
    return { from: begin, to: end };
  };

  parent.get(
    '/api/v1/calendars/public-holidays',
    {
      config: { permission: 'desk:view' },
      schema: {
        summary: 'Public holidays of a region, by default of this year and the next two',
        operationId: 'listPublicHolidays',
        tags,
        querystring: PublicHolidaysQuery,
        response: { 200: One(Type.Array(PublicHoliday)) },
      },
    },
    async (request) => {
      const { from, to } = yearsOf(request.query);
      const years = Array.from({ length: to - from + 1 }, (_, index) => from + index);
      return { data: years.flatMap((year) => publicHolidays(request.query.region, year)) };
    },
  );

  // In a scope of its own, because here alone a calendar file is a body.
  await parent.register(async (instance) => {
    const app = instance as unknown as App;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      ['text/calendar', 'application/ics'],
      { parseAs: 'buffer' },
      (_request, body, done) => done(null, body),
    );
    app.post(
      '/api/v1/calendars/read-ics',
      {
        config: { permission: 'desk:manage' },
        schema: {
          summary: 'Read the days off in an iCalendar file (RFC 5545); nothing is kept',
          operationId: 'readHolidayCalendar',
          tags,
          consumes: ['text/calendar'],
          querystring: ReadIcsQuery,
          response: { 200: One(IcsHolidays) },
        },
      },
      async (request) => {
        const timeZone = request.query.time_zone ?? 'Europe/Berlin';
        if (!isTimeZone(timeZone)) {
          throw invalid({ field: 'time_zone', code: 'wrong_form', message: 'must be an IANA time zone' });
        }
        const window = { ...yearsOf(request.query), timeZone };
        const bytes = request.body as unknown;
        if (!(bytes instanceof Uint8Array) || bytes.length === 0)
          throw invalid({ field: 'body', code: 'empty', message: 'is empty' });
        try {
          const data = readIcs(icsText(bytes), window);
          if (data.holidays.length <= MOST_HOLIDAYS) return { data };
        } catch (error) {
          if (!(error instanceof NoCalendar || error instanceof TooMuch)) throw error;
          if (error instanceof NoCalendar)
            throw new AppError(400, 'INVALID_INPUT', 'This is no calendar file.', {
              details: [
                { field: 'body', code: 'wrong_form', message: 'must be an iCalendar file (BEGIN:VCALENDAR)' },
              ],
            });
        }
        throw invalid({
          field: 'body',
          code: 'too_many',
          message: `must have at most ${MOST_HOLIDAYS} days off in these years`,
        });
      },
    );
  });
}
