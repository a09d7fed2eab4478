//! Who may do what: the one table that services, routes, the documentation and the tests read.

use crate::permission::permissions;

permissions! {
    /// See and change one's own account: sessions, password, address, second factor; take one's data along.
    OwnAccount "account.own" { Member: Own, Coach: Own, Treasurer: Own, Admin: Own }

    /// See people: oneself and those one is guardian of, and as staff everybody.
    ReadUsers "users.read" { Member: Wards, Coach: All, Treasurer: All, Admin: All }

    /// See the list of everybody.
    ListUsers "users.list" { Coach: All, Treasurer: All, Admin: All }

    /// Change the names and the birth date of people: one's own, those of one's wards, and as an admin everybody's.
    EditUsers "users.edit" { Member: Wards, Coach: Wards, Treasurer: Wards, Admin: All }

    /// Invite people, with roles.
    InviteUsers "users.invite" { Admin: All }

    /// Give people roles.
    GiveRoles "users.roles" { Admin: All }

    /// Deactivate and reactivate accounts; a treasurer not those of admins.
    DeactivateUsers "users.deactivate" { Treasurer: All, Admin: All }

    /// Have the club ask somebody to choose a new password; a treasurer not admins.
    ResetPasswords "users.reset_password" { Treasurer: All, Admin: All }

    /// Take away somebody's second factor, who lost it.
    ResetSecondFactors "users.reset_second_factor" { Admin: All }

    /// Erase people.
    EraseUsers "users.erase" { Admin: All }

    /// See member records: one's own and those of one's wards, and as staff everybody's.
    ReadMembers "members.read" { Member: Wards, Coach: All, Treasurer: All, Admin: All }

    /// See the list of members.
    ListMembers "members.list" { Coach: All, Treasurer: All, Admin: All }

    /// See what members owe and have paid in advance: one's own and those of one's wards; who keeps the books, everybody's.
    ReadMoney "members.read_money" { Member: Wards, Coach: Wards, Treasurer: All, Admin: All }

    /// See what the club's staff noted of members.
    ReadNotes "members.read_notes" { Coach: All, Treasurer: All, Admin: All }

    /// Change how members can be reached: oneself and one's wards, and as staff everybody.
    EditMembers "members.edit" { Member: Wards, Coach: Wards, Treasurer: All, Admin: All }

    /// Note something of members, and what another program knows them by.
    EditNotes "members.edit_notes" { Treasurer: All, Admin: All }

    /// Approve and reject those who apply for a membership.
    ApproveMembers "members.approve" { Coach: All, Treasurer: All, Admin: All }

    /// Suspend members, and take them back.
    SuspendMembers "members.suspend" { Treasurer: All, Admin: All }

    /// Leave the club, or apply again: oneself, for one's wards, and as staff for everybody.
    LeaveClub "members.leave" { Member: Wards, Coach: Wards, Treasurer: All, Admin: All }

    /// Bring people along in a file, and see what became of it.
    ImportMembers "members.import" { Treasurer: All, Admin: All }

    /// Take the list of all members out as a file.
    ExportMembers "members.export" { Treasurer: All, Admin: All }

    /// Say who is guardian of whom.
    EditGuardians "guardians.edit" { Treasurer: All, Admin: All }

    /// Make a record of somebody without an address: as a guardian for one's own, as staff for everybody.
    AddDependants "dependants.add" { Member: Own, Coach: Own, Treasurer: All, Admin: All }

    /// See what members owe and have paid: oneself, one's wards, and as a treasurer everybody.
    ReadStatements "statements.read" { Member: Wards, Coach: Wards, Treasurer: All, Admin: All }

    /// See the books: accounts, entries, reports.
    ReadBooks "books.read" { Treasurer: All, Admin: All }

    /// Keep the books: charge members, take payments, enter income and expenses, close months.
    KeepBooks "books.keep" { Treasurer: All, Admin: All }

    /// Open the month again that was closed last.
    ReopenPeriods "periods.reopen" { Admin: All }

    /// See the plans by which members pay.
    ReadPlans "plans.read" { Member: All, Coach: All, Treasurer: All, Admin: All }

    /// Make and change plans, and put members on them.
    EditPlans "plans.edit" { Treasurer: All, Admin: All }

    /// Run dues, and see what came of it.
    RunDues "dues.run" { Treasurer: All, Admin: All }

    /// See classes and the timetable.
    ReadClasses "classes.read" { Member: All, Coach: All, Treasurer: All, Admin: All }

    /// Plan, change and cancel classes: as a coach one's own.
    PlanClasses "classes.plan" { Coach: Own, Admin: All }

    /// Take attendance, complete classes, and book for others: as a coach in one's own classes.
    RunClasses "classes.run" { Coach: Own, Admin: All }

    /// Book, move and cancel: for oneself and one's wards, and as an admin for everybody.
    Book "bookings.make" { Member: Wards, Coach: Wards, Treasurer: Wards, Admin: All }

    /// Show at the door of a class who one is: a code for oneself.
    ShowUp "classes.show_up" { Member: Own, Coach: Own, Treasurer: Own, Admin: Own }

    /// Rate classes that one attended.
    RateClasses "classes.rate" { Member: Own, Coach: Own, Treasurer: Own, Admin: Own }

    /// See bookings: one's own and those of one's wards, and as staff everybody's.
    ReadBookings "bookings.read" { Member: Wards, Coach: All, Treasurer: All, Admin: All }

    /// See the coaches.
    ReadCoaches "coaches.read" { Member: All, Coach: All, Treasurer: All, Admin: All }

    /// Fill in a coach's profile for the first time.
    MakeCoaches "coaches.make" { Admin: All }

    /// Change a coach's profile, and say when they are there: one's own, and as an admin everybody's.
    EditCoaches "coaches.edit" { Coach: Own, Admin: All }

    /// See what coaches earn and are paid: one's own, and who keeps the books, everybody's.
    ReadCoachPay "coaches.read_pay" { Member: Own, Coach: Own, Treasurer: All, Admin: All }

    /// See what coaches taught, who came, and how it was rated: as a coach of oneself.
    OverseeCoaches "coaches.oversee" { Coach: Own, Treasurer: All, Admin: All }

    /// Set coaches' terms, pay them, and take a payout back.
    KeepCoachPay "coaches.keep_pay" { Treasurer: All, Admin: All }

    /// Pay all coaches what is due, and see what came of it.
    RunPayroll "payroll.run" { Treasurer: All, Admin: All }

    /// Have one's own calendar at a secret address.
    OwnCalendar "calendar.own" { Member: Own, Coach: Own, Treasurer: Own, Admin: Own }

    /// See the club's name, currency, time zone and policies.
    ReadClub "club.read" { Member: All, Coach: All, Treasurer: All, Admin: All }

    /// Change the club's name, currency, time zone and policies.
    EditClub "club.edit" { Admin: All }

    /// Read who did what and when.
    ReadAudit "audit.read" { Admin: All }

    /// See the work that waits, runs or failed, and retry it.
    ManageJobs "jobs.manage" { Admin: All }

    /// See the rooms one is in, and what is written in them.
    ReadRooms "rooms.read" { Member: Own, Coach: Own, Treasurer: Own, Admin: Own }

    /// Write in the rooms one is in, join and leave them, and open direct rooms.
    Chat "rooms.write" { Member: Own, Coach: Own, Treasurer: Own, Admin: Own }

    /// Open channels and announcement rooms, and moderate the rooms one is in.
    Moderate "rooms.moderate" { Coach: All, Admin: All }
}
