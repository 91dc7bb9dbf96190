"""A small made-up market: companies, their people, what they buy, what they use and whom they talk to.

Every recipe writes the same market in the form of another product. It is drawn with `random.Random`, whose
numbers are the same in every version of Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

START = datetime(2024, 1, 1)
DAYS = 420
END = START + timedelta(days=DAYS)
PRODUCTS = {"board": 4900, "forms": 1900, "reports": 9900, "api": 14900, "sso": 19900, "archive": 2900}
"""Product → its price in cents."""
FEATURES = ("open board", "edit card", "search", "export", "automate", "query api")
INDUSTRIES = ("software", "retail", "health", "education", "media")
CURRENCIES = {"US": "USD", "GB": "USD", "DE": "EUR", "FR": "EUR", "JP": "JPY"}
FIRST = ("Ada", "Bo", "Cleo", "Dag", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jun", "Kai", "Lea", "Mio", "Noor")
LAST = ("Adler", "Brook", "Cohen", "Dahl", "Evans", "Fuchs", "Grant", "Holm", "Ito", "Jung", "Kern", "Lund")
WORDS = ("North", "River", "Amber", "Cedar", "Delta", "Ember", "Falcon", "Grove", "Harbor", "Iris", "Juniper")
ENDINGS = ("works", "labs", "supply", "studio", "health", "media", "foods", "energy", "school", "partners")


@dataclass(frozen=True)
class Company:
    """A customer; `referrer` is the number of the company that brought them, if any did."""

    number: int
    name: str
    domain: str
    country: str
    industry: str
    joined: datetime
    referrer: int | None

    @property
    def currency(self) -> str:
        """The currency in which they pay."""
        return CURRENCIES[self.country]


@dataclass(frozen=True)
class User:
    """A person; some move from the first company to a second one."""

    number: int
    name: str
    email: str
    company: int
    since: datetime
    second: int | None
    moved: datetime | None

    def company_at(self, moment: datetime) -> int:
        """The company to which the person belonged at a *moment*."""
        if self.second is not None and self.moved is not None and moment >= self.moved:
            return self.second
        return self.company


@dataclass(frozen=True)
class Purchase:
    """What a company bought together at one moment: product → quantity. A part may be refunded later."""

    number: int
    company: int
    at: datetime
    items: dict[str, int]
    refunded_at: datetime | None
    refunded_share: float


@dataclass(frozen=True)
class Contact:
    """One person reached another: the second may be influenced by the first."""

    source: User
    target: User
    at: datetime


class World:
    """The market.

    Args:
        seed: the seed of all draws.
        size: the number of companies.
    """

    def __init__(self, seed: int = 1, size: int = 240) -> None:
        self._random, self._size = Random(seed), size
        # in this order, in which they are drawn
        self.companies = [self._company(number) for number in range(size)]
        self.users = [user for company in self.companies for user in self._users(company)]
        self.contacts = sorted(self._contacts(), key=lambda contact: contact.at)
        self.purchases = self._purchases()
        self.events = sorted(self._events(), key=lambda event: event[1])

    @cached_property
    def admins(self) -> dict[int, User]:
        """Company → the first of its people."""
        return {user.company: user for user in reversed(self.users)}

    def _moment(self, start: datetime, days: float) -> datetime:
        return start + timedelta(seconds=self._random.randrange(1, max(2, int(days * 86_400))))

    def _company(self, number: int) -> Company:
        random = self._random
        joined = START + timedelta(seconds=int(number / self._size * (DAYS - 60) * 86_400) + 3600)
        name = f"{WORDS[number % 11]} {ENDINGS[number // 11 % 10]} {number}"
        # the earlier somebody joined, the more they bring
        referred = number > 10 and random.random() < 0.4
        return Company(
            number,
            name,
            f"{name.lower().replace(' ', '-')}.example",
            list(CURRENCIES)[random.randrange(5)],
            INDUSTRIES[random.randrange(5)],
            joined,
            int(number * random.random() ** 2) if referred else None,
        )

    def _users(self, company: Company) -> list[User]:
        random, users = self._random, []
        for place in range(1 + random.randrange(3)):
            number = company.number * 4 + place
            first, last = FIRST[random.randrange(14)], LAST[random.randrange(12)]
            moves = place > 0 and company.number < self._size // 2 and random.random() < 0.15
            users.append(
                User(
                    number,
                    f"{first} {last}",
                    f"{first}.{last}.{number}@{company.domain}".lower(),
                    company.number,
                    company.joined + timedelta(days=place),
                    random.randrange(company.number) if moves and company.number else None,
                    self._moment(company.joined + timedelta(days=150), 60),
                )
            )
        return users

    def _contacts(self) -> list[Contact]:
        """Most people hear from the same few companies, and from their colleagues."""
        random, contacts = self._random, []
        for user in self.users:
            known = [int(self._size * random.random() ** 2) for _ in range(3)] + [user.company]
            for _ in range(1 + random.randrange(4)):
                company = self.companies[known[random.randrange(4)]]
                source = self.users[random.randrange(len(self.users))]
                if random.random() < 0.9:
                    people = [one for one in self.users if one.company == company.number]
                    source = people[random.randrange(len(people))]
                first = max(source.since, user.since)
                at = self._moment(first, (END - first).days)
                if source != user:
                    contacts.append(Contact(source, user, at))
        return contacts

    def _purchases(self) -> list[Purchase]:
        """A company buys as it joins, now and then, and more often what those they hear from have bought."""
        random = self._random
        wishes: list[tuple[datetime, int, int | None]] = [
            (company.joined, company.number, None) for company in self.companies
        ]
        for company in self.companies:
            days = (END - company.joined).days
            wishes += [(self._moment(company.joined, days), company.number, None) for _ in range(days // 200)]
        for contact in self.contacts:
            source, target = contact.source.company_at(contact.at), contact.target.company_at(contact.at)
            if source != target and random.random() < 0.4:
                wishes.append((self._moment(contact.at, 40), target, source))
        bought: dict[int, set[str]] = {company.number: set() for company in self.companies}
        purchases: list[Purchase] = []
        for at, buyer, heard_of in sorted(wishes, key=lambda wish: wish[:2]):
            choice = sorted(bought[heard_of] - bought[buyer]) if heard_of is not None else list(PRODUCTS)
            if not choice or at >= END:
                continue
            products = {choice[random.randrange(len(choice))] for _ in range(1 + (random.random() < 0.25))}
            refunded = random.random() < 0.06
            purchases.append(
                Purchase(
                    len(purchases),
                    buyer,
                    at,
                    {product: 1 + random.randrange(3) for product in sorted(products)},
                    min(self._moment(at, 20), END) if refunded else None,
                    1.0 if random.random() < 0.5 else 0.5,
                )
            )
            bought[buyer] |= products
        return purchases

    def _events(self) -> list[tuple[User, datetime, str]]:
        """What people use: user, moment and feature."""
        random, events = self._random, []
        for user in self.users:
            for _ in range(random.randrange(6)):
                feature = FEATURES[int(len(FEATURES) * random.random() ** 2)]
                events.append((user, self._moment(user.since, (END - user.since).days), feature))
        return events
